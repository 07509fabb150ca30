//! Tests through the public functions and a real server.
