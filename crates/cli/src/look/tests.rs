//! Lists and facts as they look, from data.
