"""Loads Attacca.vst3 in pedalboard as effect and as instrument; exits 1 at the first thing that is wrong."""
import sys

import mido
import numpy as np
from pedalboard import load_plugin

RATE = 48000


def expect(condition, what):
    print(("ok    " if condition else "WRONG ") + what)
    if not condition:
        sys.exit(1)


def effect(path):
    plugin = load_plugin(path, plugin_name="Attacca")
    expect(plugin.is_effect, "Attacca is an effect")
    t = np.arange(RATE) / RATE
    sine = (0.25 * np.sin(2 * np.pi * 440 * t)).astype(np.float32)
    stereo = np.stack([sine, sine])
    for size in (1, 17, 64, 512, 8192):
        n = 4096 if size == 1 else RATE
        out = plugin.process(stereo[:, :n], RATE, buffer_size=size)
        expect(out.shape == (2, n) and np.isfinite(out).all(), f"renders {n} frames in blocks of {size}")
        expect(np.abs(out).max() > 0.01, f"is heard in blocks of {size} (peak {np.abs(out).max():.3f})")
        expect(np.abs(out).max() < 4.0, "stays below the ceiling")
    return plugin


def instrument(path):
    plugin = load_plugin(path, plugin_name="Attacca Synth")
    expect(plugin.is_instrument, "Attacca Synth is an instrument")
    notes = [mido.Message("note_on", note=69, velocity=100, time=0.1), mido.Message("note_off", note=69, time=0.9)]
    # pedalboard warms a plugin up with a note of its own, and stopping keeps what rings: let that tail end.
    plugin([], duration=5.0, sample_rate=RATE, num_channels=2)
    out = plugin(notes, duration=1.0, sample_rate=RATE, num_channels=2, reset=False)
    expect(np.isfinite(out).all(), "the instrument's output is finite")
    before, during = np.abs(out[:, : RATE // 20]).max(), np.abs(out[:, RATE // 5 : RATE // 2]).max()
    expect(before < 1e-3, f"silent before the note (peak {before:.2e})")
    expect(during > 0.01, f"sounds during the note (peak {during:.3f})")
    part = out[0, RATE // 5 : RATE // 5 + 16384]
    spectrum = np.abs(np.fft.rfft(part * np.hanning(len(part))))
    freqs = np.fft.rfftfreq(len(part), 1 / RATE)
    strongest = spectrum.max()
    at_a4 = spectrum[(freqs > 430) & (freqs < 450)].max()
    expect(at_a4 > 0.05 * strongest, f"key 69 sounds at 440 Hz ({20 * np.log10(at_a4 / strongest):.1f} dB of the strongest)")
    return plugin


def state(plugin, make):
    saved = plugin.raw_state
    other = make()
    other.raw_state = saved
    expect(len(saved) > 0 and len(other.raw_state) > 0, f"saves and restores its state ({len(saved)} bytes)")
    for wrong in (b"", b"x", saved[: len(saved) // 2], saved + b"trailing", bytes(64)):
        try:
            other.raw_state = wrong
        except Exception as error:  # a host may refuse; it must not crash
            print("      refused:", str(error)[:80])
    expect(len(other.raw_state) > 0, "survives hostile state")


path = sys.argv[1]
fx = effect(path)
state(fx, lambda: load_plugin(path, plugin_name="Attacca"))
synth = instrument(path)
state(synth, lambda: load_plugin(path, plugin_name="Attacca Synth"))
print("all good")
