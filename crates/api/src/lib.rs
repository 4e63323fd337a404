//! Generated: one module per AWS service with the types of the operations Landfall answers.
