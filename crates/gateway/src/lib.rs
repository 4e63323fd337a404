//! The HTTP edge: limits, who is calling, which operation, dispatch, errors in each protocol's form.
