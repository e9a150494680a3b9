//! A program of the standard library: its first argument says what it does.

use std::env;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream, ToSocketAddrs, UdpSocket};
use std::process::exit;
use std::time::Duration;

fn main() {
    let args: Vec<String> = env::args().skip(1).collect();
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["args", rest @ ..] => println!("{:?} {rest:?}", env::args().next()),
        ["env"] => env::vars().for_each(|(name, value)| println!("{name}={value}")),
        ["cat"] => told(cat()),
        ["count"] => told(io::copy(&mut io::stdin(), &mut io::sink()).map(|count| println!("{count}"))),
        ["yes"] => loop {
            println!("y");
        },
        ["exit", code] => exit(code.parse().unwrap()),
        ["status", code] => wasip2::cli::exit::exit_with_code(code.parse().unwrap()),
        ["panic"] => panic!("it was asked to"),
        ["trap"] => deep_down(),
        ["spin"] => loop {
            std::hint::black_box(0);
        },
        ["sleep", seconds] => std::thread::sleep(Duration::from_secs(seconds.parse().unwrap())),
        ["hog", mebibytes] => hog(mebibytes.parse().unwrap()),
        ["stderr", text] => eprintln!("{text}"),
        ["file", rest @ ..] => said(file(rest)),
        ["net", rest @ ..] => said(net(rest)),
        [] => println!("nothing asked"),
        other => panic!("unknown: {other:?}"),
    }
}

#[inline(never)]
fn deep_down() {
    std::arch::wasm32::unreachable()
}

fn hog(mebibytes: usize) {
    let held: Vec<Vec<u8>> = (0..mebibytes).map(|_| vec![1; 1 << 20]).collect();
    println!("holds {}", held.len());
}

/// What is read is written at once.
fn cat() -> io::Result<()> {
    let mut buffer = [0; 10_000];
    loop {
        match io::stdin().read(&mut buffer)? {
            0 => return Ok(()),
            count => {
                io::stdout().write_all(&buffer[..count])?;
                io::stdout().flush()?;
            }
        }
    }
}

fn told<T>(result: io::Result<T>) {
    if let Err(error) = result {
        eprintln!("{error}");
        exit(3);
    }
}

/// Prints what came of it, or the kind of the error.
fn said(result: io::Result<String>) {
    match result {
        Ok(text) => println!("{text}"),
        Err(error) => println!("error: {:?}", error.kind()),
    }
}

fn file(words: &[&str]) -> io::Result<String> {
    match words {
        ["read", path] => fs::read_to_string(path),
        ["write", path, text] => fs::write(path, text).map(|()| "written".into()),
        ["append", path, text] => {
            OpenOptions::new().append(true).open(path)?.write_all(text.as_bytes()).map(|()| "appended".into())
        }
        ["truncate", path] => OpenOptions::new().write(true).truncate(true).open(path).map(|_| "truncated".into()),
        ["create", path] => File::create_new(path).map(|_| "created".into()),
        ["remove", path] => fs::remove_file(path).map(|()| "removed".into()),
        ["mkdir", path] => fs::create_dir(path).map(|()| "made".into()),
        ["rmdir", path] => fs::remove_dir(path).map(|()| "removed".into()),
        ["rename", from, to] => fs::rename(from, to).map(|()| "renamed".into()),
        ["link", from, to] => fs::hard_link(from, to).map(|()| "linked".into()),
        ["touch", path] => File::open(path)?.set_modified(std::time::UNIX_EPOCH).map(|()| "touched".into()),
        ["list", path] => {
            let mut names = Vec::new();
            for entry in fs::read_dir(path)? {
                names.push(entry?.file_name().to_string_lossy().into_owned());
            }
            names.sort();
            Ok(names.join(" "))
        }
        ["stat", path] => fs::metadata(path).map(|found| format!("{} {}", found.is_dir(), found.len())),
        ["open-many", path, count] => {
            let mut open = Vec::new();
            for _ in 0..count.parse::<usize>().unwrap() {
                match File::open(path) {
                    Ok(file) => open.push(file),
                    Err(error) => return Ok(format!("{} then {:?}", open.len(), error.kind())),
                }
            }
            Ok(format!("{}", open.len()))
        }
        other => panic!("unknown: {other:?}"),
    }
}

fn net(words: &[&str]) -> io::Result<String> {
    match words {
        ["tcp", address, text] => {
            let mut stream = TcpStream::connect(address)?;
            stream.write_all(text.as_bytes())?;
            stream.shutdown(std::net::Shutdown::Write)?;
            let mut answer = String::new();
            stream.read_to_string(&mut answer).map(|_| answer)
        }
        ["udp", address, text] => {
            let socket = UdpSocket::bind("0.0.0.0:0")?;
            socket.send_to(text.as_bytes(), address)?;
            let mut answer = [0; 64];
            let (count, _) = socket.recv_from(&mut answer)?;
            Ok(String::from_utf8_lossy(&answer[..count]).into_owned())
        }
        ["listen", address] => TcpListener::bind(address).map(|_| "listening".into()),
        ["bind", address] => UdpSocket::bind(address).map(|_| "bound".into()),
        ["lookup", name] => {
            let found = (*name, 0).to_socket_addrs()?;
            let mut addresses: Vec<String> = found.map(|address| address.ip().to_string()).collect();
            addresses.sort();
            addresses.dedup();
            Ok(addresses.join(" "))
        }
        ["lookup-many", name, count] => {
            let (network, mut asked) = (wasip2::sockets::instance_network::instance_network(), Vec::new());
            for _ in 0..count.parse::<usize>().unwrap() {
                match wasip2::sockets::ip_name_lookup::resolve_addresses(&network, name) {
                    Ok(stream) => asked.push(stream),
                    Err(error) => return Ok(format!("{} then {error:?}", asked.len())),
                }
            }
            Ok(asked.len().to_string())
        }
        ["open-many", address, count] => {
            let mut open = Vec::new();
            for _ in 0..count.parse::<usize>().unwrap() {
                match TcpStream::connect(address) {
                    Ok(stream) => open.push(stream),
                    Err(error) => return Ok(format!("{} then {:?}", open.len(), error.kind())),
                }
            }
            Ok(format!("{}", open.len()))
        }
        other => panic!("unknown: {other:?}"),
    }
}
