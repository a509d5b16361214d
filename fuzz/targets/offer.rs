//! An offer of a browser is answered or refused, and the session goes on either way.
#![no_main]

use std::panic;
use std::sync::OnceLock;

use libfuzzer_sys::fuzz_target;
use playhouse_net::{Config, Net};

static NET: OnceLock<Net> = OnceLock::new();

fuzz_target!(
    init: {
        // A panic within the protocol library is caught and costs that offer, by design: it is no finding here. One
        // that is not caught still ends the target.
        panic::set_hook(Box::new(|_| {}));
    },
    |offer: &str| {
        let start = || playhouse_net::start(Config::default(), Box::new(|_| {}));
        let net = NET.get_or_init(|| start().expect("a socket on the loopback"));
        if let Ok(answer) = net.handle().accept("browser", offer) {
            assert!(answer.starts_with("v=0"));
        }
    }
);
