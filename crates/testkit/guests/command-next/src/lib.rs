//! A program of WASI 0.3: `cat`, `fail`, `exit`, `lookup NAME`, `lookups COUNT`, `sockets COUNT`, `files PATH COUNT`, or its arguments and environment.

use wasip3::cli::{environment, exit, stdin, stdout};
use wasip3::filesystem::preopens;
use wasip3::filesystem::types::{DescriptorFlags, OpenFlags, PathFlags};
use wasip3::sockets::ip_name_lookup::resolve_addresses;
use wasip3::sockets::types::{ErrorCode, IpAddressFamily, IpSocketAddress, Ipv4SocketAddress, TcpSocket, UdpSocket};
use wasip3::wit_stream;

wasip3::cli::command::export!(Next);

struct Next;

impl wasip3::exports::cli::run::Guest for Next {
    async fn run() -> Result<(), ()> {
        let args = environment::get_arguments();
        let words: Vec<&str> = args.iter().skip(1).map(String::as_str).collect();
        match words.as_slice() {
            ["cat"] => {
                let (input, _) = stdin::read_via_stream();
                stdout::write_via_stream(input).await.map_err(|_| ())
            }
            ["fail"] => Err(()),
            ["exit"] => {
                exit::exit(Err(()));
                Ok(())
            }
            ["lookup", name] => {
                let found = resolve_addresses((*name).to_owned()).await;
                say(format!("{:?}\n", found.map(|addresses| !addresses.is_empty()))).await
            }
            ["sockets", count] => {
                let asked: usize = count.parse().unwrap();
                let made: Vec<_> = (0..asked).map(|_| TcpSocket::create(IpAddressFamily::Ipv4)).collect();
                say(format!("{} of {asked}\n", made.iter().filter(|made| made.is_ok()).count())).await
            }
            ["lookups", count] => {
                let mut found = 0;
                for _ in 0..count.parse::<usize>().unwrap() {
                    found += usize::from(resolve_addresses("localhost".to_owned()).await.is_ok());
                }
                say(format!("{found} of {count}\n")).await
            }
            ["socket", act, a, b, c, d, port] => {
                let octet = |text: &str| text.parse().unwrap();
                let (port, address) = (port.parse().unwrap(), (octet(a), octet(b), octet(c), octet(d)));
                let address = IpSocketAddress::Ipv4(Ipv4SocketAddress { port, address });
                say(format!("{:?}\n", socket(act, address).await)).await
            }
            ["files", path, count] => {
                let (folder, _) = preopens::get_directories().remove(0);
                let mut open = Vec::new();
                for _ in 0..count.parse::<usize>().unwrap() {
                    let (how, flags) = (PathFlags::empty(), DescriptorFlags::READ);
                    open.push(folder.open_at(how, (*path).to_owned(), OpenFlags::empty(), flags).await);
                }
                say(format!("{} of {count}\n", open.iter().filter(|open| open.is_ok()).count())).await
            }
            other => say(format!("{other:?} {:?}\n", environment::get_environment())).await,
        }
    }
}

/// What comes of one use of a socket.
async fn socket(act: &str, address: IpSocketAddress) -> Result<(), ErrorCode> {
    if let Some(act) = act.strip_prefix("tcp-") {
        let socket = TcpSocket::create(IpAddressFamily::Ipv4)?;
        return match act {
            "connect" => socket.connect(address).await,
            "bind" => socket.bind(address),
            "listen" => socket.listen().map(drop),
            other => panic!("unknown: {other}"),
        };
    }
    let socket = UdpSocket::create(IpAddressFamily::Ipv4)?;
    match act {
        "udp-send" => socket.send(b"hello".to_vec(), Some(address)).await,
        "udp-connect" => socket.connect(address),
        "udp-bind" => socket.bind(address),
        other => panic!("unknown: {other}"),
    }
}

async fn say(text: String) -> Result<(), ()> {
    let (mut writer, reader) = wit_stream::new();
    let written = stdout::write_via_stream(reader);
    writer.write_all(text.into_bytes()).await;
    drop(writer);
    written.await.map_err(|_| ())
}
