//! Every way to misbehave, on request.

wit_bindgen::generate!({ world: "faulty", generate_all });

use exports::test::faulty::faults::Guest;
use std::hint::black_box;
use std::io::Write;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::SystemTime;

static CALLS: AtomicU32 = AtomicU32::new(0);

struct Faulty;
export!(Faulty);

impl Guest for Faulty {
    fn panic() -> Result<(), String> {
        panic!("a fault on request");
    }

    fn spin() -> Result<(), String> {
        busy()
    }

    fn recurse() -> Result<u64, String> {
        Ok(deeper(1))
    }

    fn allocate(bytes: u64) -> Result<u64, String> {
        let wanted = usize::try_from(bytes).map_err(text)?;
        let mut room: Vec<u8> = Vec::new();
        room.try_reserve_exact(wanted).map_err(text)?;
        room.resize(wanted, 1);
        Ok(black_box(&room).len() as u64)
    }

    fn log(lines: u32) -> Result<(), String> {
        let mut stderr = std::io::stderr();
        (1..=lines).try_for_each(|line| writeln!(stderr, "line {line}")).map_err(text)
    }

    fn echo(bytes: Vec<u8>) -> Result<Vec<u8>, String> {
        Ok(bytes)
    }

    fn print(line: String) -> Result<(), String> {
        writeln!(std::io::stdout(), "{line}").map_err(text)
    }

    fn random() -> Result<u64, String> {
        Ok(wasi::random::random::get_random_u64())
    }

    fn now() -> Result<u64, String> {
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_err(text)?;
        u64::try_from(since.as_nanos()).map_err(text)
    }

    fn calls() -> Result<u32, String> {
        Ok(CALLS.fetch_add(1, Ordering::Relaxed) + 1)
    }

    fn env(name: String) -> Result<Option<String>, String> {
        Ok(std::env::var(name).ok())
    }

    fn open_file(path: String) -> Result<u64, String> {
        let content = std::fs::read(path).map_err(text)?;
        Ok(content.len() as u64)
    }

    fn connect(address: String) -> Result<(), String> {
        std::net::TcpStream::connect(address).map(drop).map_err(text)
    }
}

/// On its own: a backtrace shows it, even where an engine inlines `spin` into its caller.
#[inline(never)]
fn busy() -> ! {
    loop {
        black_box(());
    }
}

#[inline(never)]
#[expect(unconditional_recursion, reason = "that is the fault")]
fn deeper(depth: u64) -> u64 {
    deeper(black_box(depth) + 1) + depth
}

fn text(error: impl std::fmt::Display) -> String {
    error.to_string()
}
