//! Reading sound files: the steps of `attacca_rt::sample::Sample::read`, in line.

use crate::emit::{Base, Emit};
use crate::libcalls::Libcall;
use attacca_mir::backend::BackendError;
use attacca_mir::module::Inst;
use attacca_rt::sample::Channel;
use attacca_rt::state::Sound;
use cranelift_codegen::ir::condcodes::{FloatCC, IntCC};
use cranelift_codegen::ir::types::{F32, F64, I64};
use cranelift_codegen::ir::{InstBuilder, MemFlagsData, Value};

impl Emit<'_, '_> {
    /// A file at a position: the line through two frames, the last frame at the end, else silence.
    pub(crate) fn sample_read(
        &mut self,
        inst: &Inst,
        sample: u32,
        channel: u32,
    ) -> Result<(), BackendError> {
        if channel >= Channel::FEW {
            return self.tell(inst, Libcall::SampleRead, &[sample, channel]);
        }
        let position = self.value(inst.args[0])?;
        let at =
            (u64::from(sample) * u64::from(Channel::FEW) + u64::from(channel)) * Sound::SIZE as u64;
        let at = i32::try_from(at).map_err(|_| BackendError::TooLarge("sound files".into()))?;
        let sounds = self.base(Base::Sounds);
        let samples = self.fixed(I64, sounds, at + Sound::SAMPLES as i32);
        let frames = self.fixed(I64, sounds, at + Sound::FRAMES as i32);
        let end = self.fixed(F64, sounds, at + Sound::END as i32);

        let zero = self.ins().f64const(0.0);
        let after = self.ins().fcmp(FloatCC::GreaterThanOrEqual, position, zero);
        let before = self.ins().fcmp(FloatCC::LessThan, position, end);
        let inside = self.ins().band(after, before);
        let place = self.ins().select(inside, position, zero);
        let first = self.ins().fcvt_to_sint_sat(I64, place);
        let whole = self.ins().fcvt_from_sint(F64, first);
        let part = self.ins().fsub(place, whole);
        let second = self.add(first, 1);
        let more = self.ins().icmp(IntCC::SignedLessThan, second, frames);
        let second = self.ins().select(more, second, first);

        let (a, b) = (self.frame_of(samples, first), self.frame_of(samples, second));
        let one = self.float(1.0);
        let rest = self.ins().fsub(one, part);
        let (a_part, b_part) = (self.ins().fmul(a, rest), self.ins().fmul(b, part));
        let line = self.ins().fadd(a_part, b_part);
        let value = self.ins().select(more, line, a);
        let value = self.ins().select(inside, value, zero);
        self.set(inst, value);
        Ok(())
    }

    fn frame_of(&mut self, samples: Value, index: Value) -> Value {
        let two = self.ins().iconst(I64, 2);
        let bytes = self.ins().ishl(index, two);
        let place = self.ins().iadd(samples, bytes);
        let flags = MemFlagsData::trusted().with_readonly();
        let sample = self.ins().load(F32, flags, place, 0);
        self.ins().fpromote(F64, sample)
    }
}
