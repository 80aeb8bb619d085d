//! Control values by OSC: `/Params/freq 440.0` sets the control named `Params.freq`.
//!
//! Listens on UDP, on this machine only, and only when somebody asks for it. Takes messages with a first
//! argument of type f, d, i or h, and bundles of them, whose times are ignored (language reference,
//! 10.6); what cannot be read is left out. Never on the audio thread.

use std::io;
use std::net::{SocketAddr, UdpSocket};

/// Where a listener listens when nothing else is said.
pub const ADDRESS: &str = "127.0.0.1:9000";

/// Longest packet that is read.
const LONGEST: usize = 65_536;

/// Bundles in bundles that are unpacked.
const DEEPEST: u32 = 8;

/// A socket that hears control values.
#[derive(Debug)]
pub struct Listener {
    socket: UdpSocket,
    packet: Box<[u8]>,
}

impl Listener {
    /// Listens on an address of this machine.
    pub fn bind(address: SocketAddr) -> io::Result<Self> {
        if !address.ip().is_loopback() {
            let words = "OSC is heard from this machine only";
            return Err(io::Error::new(io::ErrorKind::InvalidInput, words));
        }
        let socket = UdpSocket::bind(address)?;
        socket.set_nonblocking(true)?;
        Ok(Self { socket, packet: vec![0; LONGEST].into() })
    }

    /// Where it listens.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.socket.local_addr()
    }

    /// Gives `set` what has arrived: names of controls and their values. Never waits.
    pub fn poll(&mut self, mut set: impl FnMut(&str, f64)) {
        // An error other than "nothing there" is of one packet; the next poll goes on.
        while let Ok(length) = self.socket.recv(&mut self.packet) {
            read(self.packet.get(..length).unwrap_or_default(), &mut set);
        }
    }
}

/// Gives `set` the control values of a packet.
pub fn read(packet: &[u8], set: &mut impl FnMut(&str, f64)) {
    packet_at(packet, DEEPEST, set);
}

fn packet_at(packet: &[u8], depth: u32, set: &mut impl FnMut(&str, f64)) {
    if let Some(rest) = packet.strip_prefix(b"#bundle\0") {
        // The time that the bundle is meant for: 8 bytes.
        if let (Some(rest), Some(depth)) = (rest.get(8..), depth.checked_sub(1)) {
            elements(rest, depth, set);
        }
    } else if let Some((name, value)) = message(packet) {
        set(&name, value);
    }
}

fn elements(mut rest: &[u8], depth: u32, set: &mut impl FnMut(&str, f64)) {
    while let Some((size, after)) = rest.split_first_chunk::<4>() {
        let size = u32::from_be_bytes(*size) as usize;
        let Some((element, after)) = after.split_at_checked(size) else { return };
        packet_at(element, depth, set);
        rest = after;
    }
}

/// The name and value of a message.
fn message(packet: &[u8]) -> Option<(String, f64)> {
    let (address, rest) = text(packet)?;
    let (types, rest) = text(rest)?;
    let name = address.strip_prefix('/')?.replace('/', ".");
    let value = match types.strip_prefix(',')?.chars().next()? {
        'f' => f64::from(f32::from_be_bytes(*rest.first_chunk()?)),
        'd' => f64::from_be_bytes(*rest.first_chunk()?),
        'i' => f64::from(i32::from_be_bytes(*rest.first_chunk()?)),
        'h' => i64::from_be_bytes(*rest.first_chunk()?) as f64,
        _ => return None,
    };
    Some((name, value)).filter(|(_, value)| !value.is_nan())
}

/// A text that ends with zeros up to a multiple of four bytes, and what follows.
fn text(bytes: &[u8]) -> Option<(&str, &[u8])> {
    let length = bytes.iter().position(|byte| *byte == 0)?;
    let text = std::str::from_utf8(bytes.get(..length)?).ok()?;
    Some((text, bytes.get((length / 4 + 1) * 4..).unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn padded(text: &str) -> Vec<u8> {
        let mut bytes = text.as_bytes().to_vec();
        bytes.resize((text.len() / 4 + 1) * 4, 0);
        bytes
    }

    fn packet(address: &str, types: &str, argument: &[u8]) -> Vec<u8> {
        [padded(address), padded(types), argument.to_vec()].concat()
    }

    fn bundle(elements: &[Vec<u8>]) -> Vec<u8> {
        let mut bytes = b"#bundle\0\0\0\0\0\0\0\0\x01".to_vec();
        for element in elements {
            bytes.extend((element.len() as u32).to_be_bytes());
            bytes.extend(element);
        }
        bytes
    }

    fn heard(packet: &[u8]) -> Vec<(String, f64)> {
        let mut all = Vec::new();
        read(packet, &mut |name: &str, value| all.push((name.to_owned(), value)));
        all
    }

    #[test]
    fn numbers_of_all_kinds_set_controls() {
        let one = |types, argument: &[u8]| heard(&packet("/Params/freq", types, argument));
        let freq = |value: f64| [("Params.freq".to_owned(), value)];
        assert_eq!(one(",f", &440.5f32.to_be_bytes()), freq(440.5));
        assert_eq!(one(",d", &0.1f64.to_be_bytes()), freq(0.1));
        assert_eq!(one(",is", &(-7i32).to_be_bytes()), freq(-7.0));
        assert_eq!(one(",h", &(1i64 << 40).to_be_bytes()), freq((1i64 << 40) as f64));
    }

    #[test]
    fn bundles_are_unpacked() {
        let a = packet("/a", ",i", &1i32.to_be_bytes());
        let b = packet("/b/0", ",i", &2i32.to_be_bytes());
        let all = heard(&bundle(&[a.clone(), bundle(&[b]), a]));
        let names: Vec<_> = all.iter().map(|(name, value)| (name.as_str(), *value)).collect();
        assert_eq!(names, [("a", 1.0), ("b.0", 2.0), ("a", 1.0)]);
    }

    #[test]
    fn what_cannot_be_read_is_left_out() {
        let good = packet("/a", ",f", &1f32.to_be_bytes());
        for cut in 0..good.len() {
            assert!(heard(&good[..cut]).is_empty(), "{cut}");
        }
        assert!(heard(&packet("/a", ",s", b"text")).is_empty());
        assert!(heard(&packet("a", ",i", &[0; 4])).is_empty());
        assert!(heard(&packet("/a", ",f", &f32::NAN.to_be_bytes())).is_empty());
        let mut deep = good;
        for _ in 0..20 {
            deep = bundle(&[deep]);
        }
        assert!(heard(&deep).is_empty());
    }

    #[test]
    fn a_listener_hears_this_machine_only() {
        assert!(Listener::bind(([0, 0, 0, 0], 0).into()).is_err());
        let mut listener = Listener::bind(([127, 0, 0, 1], 0).into()).unwrap();
        let sender = UdpSocket::bind("127.0.0.1:0").unwrap();
        let packet = packet("/x", ",f", &0.5f32.to_be_bytes());
        sender.send_to(&packet, listener.address().unwrap()).unwrap();
        let mut all = Vec::new();
        while all.is_empty() {
            listener.poll(|name, value| all.push((name.to_owned(), value)));
            std::thread::yield_now();
        }
        assert_eq!(all, [("x".to_owned(), 0.5)]);
    }
}
