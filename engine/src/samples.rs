//! Sound files that programs read: found, decoded once, shared by all instances of a process.
//!
//! Takes the files that a module names, gives their samples in memory. Runs on the thread that
//! compiles; the audio side only ever reads what this made. Files are decoded by symphonia: wav, flac,
//! ogg vorbis and mp3. Nothing is resampled; 16-bit 16384 is 0.5.

use attacca_rt::sample::Sample;
use std::collections::HashMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::SystemTime;
use symphonia::core::audio::{AudioBuffer, Signal};
use symphonia::core::codecs::{Decoder, DecoderOptions};
use symphonia::core::errors::Error;
use symphonia::core::formats::{FormatOptions, FormatReader};
use symphonia::core::io::MediaSourceStream;
use symphonia::core::meta::MetadataOptions;
use symphonia::core::probe::Hint;

/// Most samples of all channels of a file together, 512 MiB.
const MOST_SAMPLES: usize = 1 << 27;

/// Why a file cannot be read, in words for a person.
pub type Unreadable = String;

/// One state of a file: another length or time of change is another file.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Key {
    path: PathBuf,
    length: u64,
    changed: Option<SystemTime>,
}

/// The files that some program of this process holds: a registry of `Weak`s.
static LOADED: Mutex<Option<HashMap<Key, Weak<Sample>>>> = Mutex::new(None);

/// The first place where there is a file, else the last.
pub fn locate(places: &[String]) -> &Path {
    let there = places.iter().find(|place| Path::new(place).is_file());
    Path::new(there.or(places.last()).map_or("", String::as_str))
}

/// The samples of a file, decoded unless another program holds them already.
pub fn load(path: &Path) -> Result<Arc<Sample>, Unreadable> {
    let words = |error: std::io::Error| {
        let missing = error.kind() == std::io::ErrorKind::NotFound;
        if missing { "there is no such file".to_owned() } else { error.to_string() }
    };
    let about = std::fs::metadata(path).map_err(words)?;
    if !about.is_file() {
        return Err("this is no file".to_owned());
    }
    let key = Key {
        path: path.canonicalize().map_err(words)?,
        length: about.len(),
        changed: about.modified().ok(),
    };
    if let Some(sample) = with_loaded(|loaded| loaded.get(&key).and_then(Weak::upgrade)) {
        return Ok(sample);
    }
    // Not under the lock: others may load meanwhile, at worst the same file twice.
    let file = File::open(path).map_err(words)?;
    let sample = Arc::new(decode(file, path)?);
    with_loaded(|loaded| {
        loaded.retain(|_, sample| sample.strong_count() > 0);
        loaded.insert(key, Arc::downgrade(&sample));
    });
    Ok(sample)
}

fn with_loaded<T>(use_it: impl FnOnce(&mut HashMap<Key, Weak<Sample>>) -> T) -> T {
    let mut loaded = LOADED.lock().unwrap_or_else(PoisonError::into_inner);
    use_it(loaded.get_or_insert_default())
}

fn decode(file: File, path: &Path) -> Result<Sample, Unreadable> {
    let mut hint = Hint::new();
    if let Some(extension) = path.extension().and_then(|extension| extension.to_str()) {
        hint.with_extension(extension);
    }
    let stream = MediaSourceStream::new(Box::new(file), Default::default());
    let options = FormatOptions { enable_gapless: true, ..FormatOptions::default() };
    let probe = symphonia::default::get_probe();
    let found = probe.format(&hint, stream, &options, &MetadataOptions::default());
    let mut format = found.map_err(|_| "this is no wav, flac, ogg or mp3 file")?.format;
    let track = format.default_track().ok_or("there is no sound in this file")?;
    let (id, rate, length) =
        (track.id, track.codec_params.sample_rate, track.codec_params.n_frames);
    let codecs = symphonia::default::get_codecs();
    let decoder = codecs.make(&track.codec_params, &DecoderOptions::default());
    let mut decoder = decoder.map_err(|error| error.to_string())?;
    let mut channels = packets(&mut *format, &mut *decoder, id)?;
    // The last packet of an ogg stream is longer than the sound.
    let length = length.and_then(|length| usize::try_from(length).ok()).unwrap_or(usize::MAX);
    channels.iter_mut().for_each(|channel| channel.truncate(length));
    if channels.first().is_none_or(Vec::is_empty) {
        return Err("there is no sound in this file".to_owned());
    }
    let channels = channels.into_iter().map(Vec::into_boxed_slice).collect();
    Ok(Sample::new(rate.map_or(0.0, f64::from), channels))
}

/// All packets of a track, planar.
fn packets(
    format: &mut dyn FormatReader,
    decoder: &mut dyn Decoder,
    track: u32,
) -> Result<Vec<Vec<f32>>, Unreadable> {
    let mut channels: Vec<Vec<f32>> = Vec::new();
    loop {
        let packet = match format.next_packet() {
            Ok(packet) if packet.track_id() == track => packet,
            Ok(_) => continue,
            // The end of the file is told as an error; a list of chained streams ends at the first.
            Err(Error::IoError(error)) if error.kind() == std::io::ErrorKind::UnexpectedEof => {
                break;
            }
            Err(Error::ResetRequired) => break,
            Err(error) => return Err(error.to_string()),
        };
        let decoded = match decoder.decode(&packet) {
            Ok(decoded) => decoded,
            // A broken packet is left out, as players do.
            Err(Error::DecodeError(_)) => continue,
            Err(error) => return Err(error.to_string()),
        };
        let mut floats = AudioBuffer::<f32>::new(decoded.capacity() as u64, *decoded.spec());
        decoded.convert(&mut floats);
        let count = floats.spec().channels.count();
        if channels.is_empty() {
            channels.resize_with(count, Vec::new);
        }
        for (at, channel) in channels.iter_mut().enumerate().take(count) {
            channel.extend_from_slice(floats.chan(at));
        }
        if channels.iter().map(Vec::len).sum::<usize>() > MOST_SAMPLES {
            return Err("it is longer than 512 MiB of samples".to_owned());
        }
    }
    // Were packets to differ in channels, the shortest would tell how much is whole.
    let frames = channels.iter().map(Vec::len).min().unwrap_or(0);
    channels.iter_mut().for_each(|channel| channel.truncate(frames));
    Ok(channels)
}

#[cfg(test)]
mod tests {
    use super::*;
    use attacca_rt::sample::Channel;

    /// A wav file of 16-bit samples, interleaved.
    fn wav(channels: u16, samples: &[i16]) -> Vec<u8> {
        let size = samples.len() as u32 * 2;
        let mut bytes = b"RIFF".to_vec();
        bytes.extend((36 + size).to_le_bytes());
        bytes.extend(b"WAVEfmt ");
        bytes.extend(16u32.to_le_bytes());
        bytes.extend(1u16.to_le_bytes());
        bytes.extend(channels.to_le_bytes());
        bytes.extend(44_100u32.to_le_bytes());
        bytes.extend((44_100 * 2 * u32::from(channels)).to_le_bytes());
        bytes.extend((2 * channels).to_le_bytes());
        bytes.extend(16u16.to_le_bytes());
        bytes.extend(b"data");
        bytes.extend(size.to_le_bytes());
        samples.iter().for_each(|sample| bytes.extend(sample.to_le_bytes()));
        bytes
    }

    fn folder(name: &str) -> PathBuf {
        let folder =
            std::env::temp_dir().join(format!("attacca-samples-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        folder
    }

    #[test]
    fn a_file_is_decoded_once_and_forgotten_when_nobody_holds_it() {
        let folder = folder("once");
        let path = folder.join("a.wav");
        std::fs::write(&path, wav(1, &[0, 16384, -32768])).unwrap();
        let first = load(&path).unwrap();
        assert_eq!(first.sound(Channel::Mean), [0.0, 0.5, -1.0]);
        assert_eq!(first.rate(), 44_100.0);
        assert!(Arc::ptr_eq(&first, &load(&path).unwrap()));
        let weak = Arc::downgrade(&first);
        drop(first);
        assert!(weak.upgrade().is_none());
        std::fs::write(&path, wav(2, &[16384, 0, 0, 16384])).unwrap();
        let second = load(&path).unwrap();
        assert_eq!(second.read(Channel::Mean, 0.0), 0.25);
        assert_eq!(second.read(Channel::One(1), 0.5), 0.25);
        std::fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn compressed_files_sound_as_they_were_made() {
        // 0.1 s at 44.1 kHz: left a sine of 441 Hz and amplitude 0.5, right of 882 Hz and 0.25.
        let sounds = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/sounds");
        let sine = |n: usize, hz: f64| (std::f64::consts::TAU * hz * n as f64 / 44_100.0).sin();
        for (name, error) in [("tone.flac", 2e-5), ("tone.ogg", 0.02), ("tone.mp3", 0.02)] {
            let sample = load(&sounds.join(name)).unwrap();
            assert_eq!(sample.rate(), 44_100.0, "{name}");
            for (channel, hz, amplitude) in [(0, 441.0, 0.5), (1, 882.0, 0.25)] {
                let sound = sample.sound(Channel::One(channel));
                assert_eq!(sound.len(), 4410, "{name}");
                // Codecs ring at the ends.
                for (n, sound) in sound.iter().enumerate().take(3900).skip(500) {
                    let off = f64::from(*sound) - amplitude * sine(n, hz);
                    assert!(off.abs() < error, "{name} channel {channel} sample {n}: {off}");
                }
            }
        }
    }

    #[test]
    fn what_cannot_be_read_says_why() {
        let folder = folder("bad");
        let path = folder.join("a.wav");
        assert_eq!(load(&path).unwrap_err(), "there is no such file");
        std::fs::write(&path, "no sound").unwrap();
        assert_eq!(load(&path).unwrap_err(), "this is no wav, flac, ogg or mp3 file");
        assert_eq!(load(&folder).unwrap_err(), "this is no file");
        std::fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn the_first_place_with_a_file_is_taken() {
        let folder = folder("next");
        std::fs::write(folder.join("a.wav"), wav(1, &[0])).unwrap();
        let place = |name: &str| folder.join(name).display().to_string();
        let places = [place("b.wav"), place("a.wav"), place("c.wav")];
        assert_eq!(locate(&places), folder.join("a.wav"));
        assert_eq!(locate(&places[..1]), folder.join("b.wav"));
        std::fs::remove_dir_all(folder).unwrap();
    }
}
