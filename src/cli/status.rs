//! `switchhook status`: asks a running gateway whether it is ready; also the container's health check.

use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::process::ExitCode;
use std::time::Duration;

use super::{Config, complain, say};

const PATIENCE: Duration = Duration::from_secs(3);

/// Arguments of `status`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    config: Config,
}

/// Prints what `/readyz` says. 0: ready; 1: not ready or not there; 2: bad settings.
pub(super) fn run(args: &Args) -> ExitCode {
    let desk = match args.config.desk() {
        Ok(desk) => desk,
        Err(code) => return code,
    };
    match ask(desk.admin) {
        Ok((ready, body)) => {
            say(&body);
            ExitCode::from(u8::from(!ready))
        }
        Err(error) => {
            complain(&format!("no gateway answers on {}: {error}", desk.admin));
            ExitCode::from(1)
        }
    }
}

/// One request over a plain socket: the admin listener speaks plain HTTP and the answer is small.
fn ask(admin: SocketAddr) -> std::io::Result<(bool, String)> {
    let mut address = admin;
    if admin.ip().is_unspecified() {
        address.set_ip(if admin.is_ipv4() { IpAddr::V4(Ipv4Addr::LOCALHOST) } else { IpAddr::V6(Ipv6Addr::LOCALHOST) });
    }
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    write!(stream, "GET /readyz HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n")?;
    let mut answer = String::new();
    stream.take(64 << 10).read_to_string(&mut answer)?;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
    Ok((head.split(' ').nth(1) == Some("200"), body.trim_end().to_owned()))
}
