//! Where `http` steps must not go: link-local addresses and the metadata services of clouds.
//!
//! A rule's URL can be made of what a caller or a guest wrote. A machine's metadata service hands out credentials to
//! whoever can reach it, so its addresses are refused, written out or hidden behind a name. Loopback is allowed: much of
//! what integrators talk to runs beside the gateway. Behind a proxy of the environment names are resolved by the proxy,
//! and only literal addresses are seen here.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::{Host, Url};

use crate::cloudlink::transport::{ForbiddenName, Wire};

/// The wire for `http` steps: names that lead to forbidden addresses do not resolve.
pub fn guarded_wire() -> Wire {
    Wire::guarded(Arc::new(Guard))
}

struct Guard;

impl Resolve for Guard {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let found: Vec<SocketAddr> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            allowed(found)
        })
    }
}

fn allowed(found: Vec<SocketAddr>) -> Result<Addrs, Box<dyn std::error::Error + Send + Sync>> {
    if found.is_empty() {
        return Err(io::Error::new(io::ErrorKind::NotFound, "the name has no address").into());
    }
    let kept: Vec<SocketAddr> = found.into_iter().filter(|address| !is_forbidden(address.ip())).collect();
    if kept.is_empty() {
        return Err(ForbiddenName("the name leads to a link-local or metadata address".to_owned()).into());
    }
    Ok(Box::new(kept.into_iter()))
}

/// Refuses a URL whose host is a forbidden address, however it is written (the URL parser reads `0xa9fe.0xa9fe` too).
pub(super) fn check(url: &Url) -> Result<(), &'static str> {
    let address = match url.host() {
        Some(Host::Ipv4(address)) => IpAddr::V4(address),
        Some(Host::Ipv6(address)) => IpAddr::V6(address),
        Some(Host::Domain(name)) if !name.is_empty() => return Ok(()),
        _ => return Err("the URL names no host"),
    };
    if is_forbidden(address) { Err("link-local and metadata addresses are not allowed") } else { Ok(()) }
}

fn is_forbidden(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => is_forbidden_v4(v4),
        IpAddr::V6(v6) => {
            v6.segments()[0] & 0xffc0 == 0xfe80
                // The metadata service of AWS.
                || v6 == Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254)
                || embedded(v6).is_some_and(is_forbidden_v4)
        }
    }
}

fn is_forbidden_v4(v4: Ipv4Addr) -> bool {
    // 169.254.169.254 of most clouds is link-local; Alibaba's and Azure's agents live elsewhere.
    v4.is_link_local() || v4 == Ipv4Addr::new(100, 100, 100, 200) || v4 == Ipv4Addr::new(168, 63, 129, 16)
}

/// The IPv4 address inside an IPv6 one: mapped, compatible, 6to4 or NAT64.
fn embedded(v6: Ipv6Addr) -> Option<Ipv4Addr> {
    let parts = v6.segments();
    let of = |high: u16, low: u16| Ipv4Addr::from((u32::from(high) << 16) | u32::from(low));
    match parts {
        [0, 0, 0, 0, 0, 0 | 0xffff, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] | [0x2002, high, low, ..] => {
            Some(of(high, low))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metadata_and_link_local_are_refused_however_written() {
        for url in [
            "http://169.254.169.254/latest/meta-data",
            "http://169.254.0.7/",
            "http://0xa9fea9fe/",
            "http://2852039166/",
            "http://[fe80::1]/",
            "http://[febf::1]/",
            "http://[fd00:ec2::254]/",
            "http://[::ffff:169.254.169.254]/",
            "http://[64:ff9b::a9fe:a9fe]/",
            "http://[2002:a9fe:a9fe::]/",
            "http://100.100.100.200/",
        ] {
            assert!(check(&url.parse().unwrap()).is_err(), "{url}");
        }
        for url in
            ["http://127.0.0.1:80/", "http://[::1]/", "http://10.0.0.1/", "https://crm.example/", "http://[fd00::1]/"]
        {
            assert!(check(&url.parse().unwrap()).is_ok(), "{url}");
        }
    }

    #[test]
    fn names_that_lead_there_do_not_resolve() {
        let bad = "169.254.169.254:0".parse().unwrap();
        let good = "192.0.2.1:0".parse().unwrap();
        assert!(allowed(vec![bad]).err().unwrap().is::<ForbiddenName>());
        assert_eq!(allowed(vec![bad, good]).ok().unwrap().collect::<Vec<_>>(), [good]);
        assert!(allowed(vec![]).is_err());
    }
}
