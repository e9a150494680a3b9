//! Where things run: demands, placements over histories of hosts and applications, reasons, and the checker.

mod corrupted;
mod demands;
mod histories;
mod lab;
mod reasons;
mod relabelled;
mod scale;
mod scripts;
