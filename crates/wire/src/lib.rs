//! AWS wire protocols: awsJson and awsQuery codecs over schemas, constraint validation, and SigV4.
