//! The executor: as a script of what is wanted and what happens, then with real parts.

mod crashing;
mod disk;
mod judging;
mod real;
mod script;
