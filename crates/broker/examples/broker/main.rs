//! A broker for foreign judges and for measuring: plain and by TLS, with certificates made at its start.
//!
//! `cargo run --release -p playhouse-broker --example broker -- FOLDER [PLAIN_PORT [TLS_PORT]]` writes the certificates into
//! FOLDER (`authority.pem`, `sensor-1.pem` with its key, one of a foreign authority, one that has expired), prints both
//! ports, and serves until its standard input ends. Rights: a certificate may do everything below `sense/{its name}/`; the user
//! `narrow` with the password `secret` may do everything below `narrow/`; whoever brings neither may do everything
//! except below `forbidden/`.

mod authority;

use std::io::Write as _;
use std::net::Ipv4Addr;
use std::path::Path;
use std::sync::Arc;

use playhouse_broker::tls::{ClientCertificate, server_config};
use playhouse_broker::{Broker, Credentials, Identity, Limits, Refused, Rights};
use tokio::net::TcpListener;
use tokio::sync::watch;

struct Rules;

impl Rights for Rules {
    fn admit(&self, who: &Credentials<'_>) -> Result<Identity, Refused> {
        match (who.certificate, who.username, who.password) {
            (Some(peer), _, _) if peer.name == "revoked" => Err(Refused::NotAuthorized),
            (Some(peer), _, _) => Ok(Identity::new(&format!("sense/{}", peer.name))),
            (None, Some("narrow"), Some(b"secret")) => Ok(Identity::new("narrow")),
            (None, Some("narrow"), _) => Err(Refused::BadCredentials),
            (None, _, _) => Ok(Identity::new("")),
        }
    }

    fn may_publish(&self, who: &Identity, topic: &str) -> bool {
        self.may_subscribe(who, topic)
    }

    fn may_subscribe(&self, who: &Identity, filter: &str) -> bool {
        match who.name() {
            "" => !filter.starts_with("forbidden/"),
            own => filter.strip_prefix(own).is_some_and(|rest| rest.starts_with('/')),
        }
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let folder = arguments.next().ok_or("usage: broker FOLDER [PLAIN_PORT [TLS_PORT]]")?;
    let mut port = || arguments.next().map_or(Ok(0), |port| port.parse::<u16>());
    let (plain_port, tls_port) = (port()?, port()?);
    let made = authority::make(Path::new(&folder))?;
    let config =
        server_config(&[made.authority], vec![made.certificate], made.key, ClientCertificate::Required)?;
    let (_config, configs) = watch::channel(config);

    let broker = Broker::new(Arc::new(Rules), Limits::default());
    let plain = TcpListener::bind((Ipv4Addr::LOCALHOST, plain_port)).await?;
    let tls = TcpListener::bind((Ipv4Addr::LOCALHOST, tls_port)).await?;
    let mut out = std::io::stdout();
    writeln!(out, "plain {} tls {}", plain.local_addr()?.port(), tls.local_addr()?.port())?;
    out.flush()?;
    let ended = tokio::task::spawn_blocking(|| std::io::copy(&mut std::io::stdin(), &mut std::io::sink()));
    tokio::select! {
        () = broker.serve_plain(plain) => {}
        () = broker.serve_tls(tls, configs) => {}
        ended = ended => drop(ended??),
    }
    Ok(())
}
