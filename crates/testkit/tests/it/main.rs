//! The tools themselves: a checker that sees nothing would make every test pass.

mod record;
mod wasi_http;
