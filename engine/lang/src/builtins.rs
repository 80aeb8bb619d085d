//! Every built-in function: its name, its stage, its type and what it becomes.

use attacca_mir::op::Pure;

macro_rules! builtins {
    ($( #[doc = $doc:literal] $name:ident $text:literal $arity:literal $lower:expr $(, $type:literal)?; )*) => {
        /// A built-in function of the language.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Builtin { $( #[doc = $doc] $name, )* }

        impl Builtin {
            /// All of them, in table order.
            pub const ALL: &'static [Builtin] = &[$(Builtin::$name),*];

            /// The name programs use.
            pub fn name(self) -> &'static str { match self { $(Builtin::$name => $text,)* } }

            /// Number of arguments.
            pub fn arity(self) -> usize { match self { $(Builtin::$name => $arity,)* } }

            /// How lowering treats it.
            pub fn lowering(self) -> Lowering { match self { $(Builtin::$name => $lower,)* } }

            /// Its type as it is written, if it is not numbers to number.
            pub fn written_type(self) -> Option<&'static str> {
                match self { $(Builtin::$name => builtins!(@type $($type)?),)* }
            }

            /// The documentation shown by the editor.
            pub fn doc(self) -> &'static str { match self { $(Builtin::$name => $doc,)* } }
        }
    };
    (@type) => { None };
    (@type $type:literal) => { Some($type) };
}

/// What a built-in becomes in MIR.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lowering {
    /// One op on floats giving a float.
    Op(Pure),
    /// An op on floats giving a truth value, turned into 1.0 or 0.0.
    Truth(Pure),
    /// Both operands above 0.
    And,
    /// Either operand above 0.
    Or,
    /// 1.0 if the operand is 0.
    Not,
    /// One-sample memory with a state cell per call site.
    Mem,
    /// Delay line per call site; the first argument is a number literal.
    Delay,
    /// A function on arrays, of the same name.
    Array(ArrayFn),
    /// Prints a number and gives it back.
    Print {
        /// Whether a new line follows.
        newline: bool,
    },
    /// Runs a function at a time.
    Schedule,
    /// Evaluates its argument and does nothing.
    Ignore,
    /// The largest magnitude among the numbers of a number or tuple.
    Peak,
    /// Runs while compiling: the macro stage knows it by its name.
    Macro,
}

/// Functions on arrays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ArrayFn {
    /// Number of elements.
    Len,
    /// One more at the end.
    Append,
    /// One more at the start.
    Prepend,
    /// The first and the rest.
    SplitHead,
    /// The rest and the last.
    SplitTail,
}

/// Where a built-in can be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stages {
    /// Everywhere.
    Both,
    /// While compiling.
    Macro,
    /// While sound runs.
    Audio,
}

builtins! {
    #[doc = "`add(a, b)`: the operator `+`; also on tuples."]
    Add "add" 2 Lowering::Op(Pure::Add);
    #[doc = "`sub(a, b)`: the operator `-`; also on tuples."]
    Sub "sub" 2 Lowering::Op(Pure::Sub);
    #[doc = "`mult(a, b)`: the operator `*`; also on tuples."]
    Mult "mult" 2 Lowering::Op(Pure::Mul);
    #[doc = "`div(a, b)`: the operator `/`; also on tuples."]
    Div "div" 2 Lowering::Op(Pure::Div);
    #[doc = "`modulo(a, b)`: the operator `%`; keeps the sign of `a`."]
    Modulo "modulo" 2 Lowering::Op(Pure::Rem);
    #[doc = "`pow(a, b)`: the operator `^`, `a` to the power `b`."]
    Pow "pow" 2 Lowering::Op(Pure::Pow);
    #[doc = "`eq(a, b)`: the operator `==`, 1 or 0."]
    Eq "eq" 2 Lowering::Truth(Pure::Feq);
    #[doc = "`ne(a, b)`: the operator `!=`, 1 or 0."]
    Ne "ne" 2 Lowering::Truth(Pure::Fne);
    #[doc = "`lt(a, b)`: the operator `<`, 1 or 0."]
    Lt "lt" 2 Lowering::Truth(Pure::Flt);
    #[doc = "`le(a, b)`: the operator `<=`, 1 or 0."]
    Le "le" 2 Lowering::Truth(Pure::Fle);
    #[doc = "`gt(a, b)`: the operator `>`, 1 or 0."]
    Gt "gt" 2 Lowering::Truth(Pure::Fgt);
    #[doc = "`ge(a, b)`: the operator `>=`, 1 or 0."]
    Ge "ge" 2 Lowering::Truth(Pure::Fge);
    #[doc = "`and(a, b)`: the operator `&&`; both operands are evaluated, each is true above 0."]
    And "and" 2 Lowering::And;
    #[doc = "`or(a, b)`: the operator `||`; both operands are evaluated, each is true above 0."]
    Or "or" 2 Lowering::Or;
    #[doc = "`not(x)`: 1 if x is 0, else 0."]
    Not "not" 1 Lowering::Not;
    #[doc = "`neg(x)`: x with its sign changed."]
    Neg "neg" 1 Lowering::Op(Pure::Neg);
    #[doc = "`abs(x)`: x without its sign."]
    Abs "abs" 1 Lowering::Op(Pure::Abs);
    #[doc = "`sqrt(x)`: square root; NaN below 0."]
    Sqrt "sqrt" 1 Lowering::Op(Pure::Sqrt);
    #[doc = "`floor(x)`: the largest integer not above x."]
    Floor "floor" 1 Lowering::Op(Pure::Floor);
    #[doc = "`ceil(x)`: the smallest integer not below x."]
    Ceil "ceil" 1 Lowering::Op(Pure::Ceil);
    #[doc = "`round(x)`: the nearest integer, halves away from 0."]
    Round "round" 1 Lowering::Op(Pure::Round);
    #[doc = "`sin(x)`: sine of x radians."]
    Sin "sin" 1 Lowering::Op(Pure::Sin);
    #[doc = "`cos(x)`: cosine of x radians."]
    Cos "cos" 1 Lowering::Op(Pure::Cos);
    #[doc = "`tan(x)`: tangent of x radians."]
    Tan "tan" 1 Lowering::Op(Pure::Tan);
    #[doc = "`asin(x)`: inverse sine in radians."]
    Asin "asin" 1 Lowering::Op(Pure::Asin);
    #[doc = "`acos(x)`: inverse cosine in radians."]
    Acos "acos" 1 Lowering::Op(Pure::Acos);
    #[doc = "`atan(x)`: inverse tangent in radians."]
    Atan "atan" 1 Lowering::Op(Pure::Atan);
    #[doc = "`sinh(x)`: hyperbolic sine."]
    Sinh "sinh" 1 Lowering::Op(Pure::Sinh);
    #[doc = "`cosh(x)`: hyperbolic cosine."]
    Cosh "cosh" 1 Lowering::Op(Pure::Cosh);
    #[doc = "`tanh(x)`: hyperbolic tangent, -1 to 1."]
    Tanh "tanh" 1 Lowering::Op(Pure::Tanh);
    #[doc = "`atan2(y, x)`: angle of the point (x, y) in radians."]
    Atan2 "atan2" 2 Lowering::Op(Pure::Atan2);
    #[doc = "`log(x)`: natural logarithm."]
    Log "log" 1 Lowering::Op(Pure::Log);
    #[doc = "`min(a, b)`: the smaller; the other one if one is NaN."]
    Min "min" 2 Lowering::Op(Pure::Min);
    #[doc = "`max(a, b)`: the larger; the other one if one is NaN."]
    Max "max" 2 Lowering::Op(Pure::Max);
    #[doc = "`mem(x)`: the x of the previous call at this place; 0 first."]
    Mem "mem" 1 Lowering::Mem;
    #[doc = "`delay(max, x, t)`: x of t samples ago, t below max; max is a number literal."]
    Delay "delay" 3 Lowering::Delay;
    #[doc = "`len(a)`: the number of elements of an array."]
    Len "len" 1 Lowering::Array(ArrayFn::Len), "([a]) -> float";
    #[doc = "`append(a, e)`: a new array, `e` behind the elements of `a`."]
    Append "append" 2 Lowering::Array(ArrayFn::Append), "([a], a) -> [a]";
    #[doc = "`prepend(e, a)`: a new array, `e` in front of the elements of `a`."]
    Prepend "prepend" 2 Lowering::Array(ArrayFn::Prepend), "(a, [a]) -> [a]";
    #[doc = "`split_head(a)`: the first element and an array of the others."]
    SplitHead "split_head" 1 Lowering::Array(ArrayFn::SplitHead), "([a]) -> (a, [a])";
    #[doc = "`split_tail(a)`: an array without the last element, and the last element."]
    SplitTail "split_tail" 1 Lowering::Array(ArrayFn::SplitTail), "([a]) -> ([a], a)";
    #[doc = "`probe(x)`: prints x and gives it back."]
    PrintNumber "probe" 1 Lowering::Print { newline: false }, "(float) -> float";
    #[doc = "`probeln(x)`: prints x and a new line, gives x back."]
    PrintLine "probeln" 1 Lowering::Print { newline: true }, "(float) -> float";
    #[doc = "`_mimium_schedule_at(t, f)`: what `f@t` calls; runs `f` at sample `t`."]
    ScheduleAt "_mimium_schedule_at" 2 Lowering::Schedule, "(float, () -> a) -> ()";
    #[doc = "`set_midi_port(name)`: accepted; the host chooses the port."]
    SetMidiPort "set_midi_port" 1 Lowering::Ignore, "(string) -> ()";
    #[doc = "`str_length(s)`: the number of characters."]
    StrLength "str_length" 1 Lowering::Macro, "(string) -> float";
    #[doc = "`str_take(s, n)`: the first n characters."]
    StrTake "str_take" 2 Lowering::Macro, "(string, float) -> string";
    #[doc = "`str_drop(s, n)`: all but the first n characters."]
    StrDrop "str_drop" 2 Lowering::Macro, "(string, float) -> string";
    #[doc = "`str_concat(a, b)`: b behind a."]
    StrConcat "str_concat" 2 Lowering::Macro, "(string, string) -> string";
    #[doc = "`str_eq(a, b)`: 1 if the texts are equal, else 0."]
    StrEq "str_eq" 2 Lowering::Macro, "(string, string) -> float";
    #[doc = "`str_slice(s, from, to)`: the characters from..to-1."]
    StrSlice "str_slice" 3 Lowering::Macro, "(string, float, float) -> string";
    #[doc = "`str_char_at(s, i)`: character number i as a string."]
    StrCharAt "str_char_at" 2 Lowering::Macro, "(string, float) -> string";
    #[doc = "`str_to_number(s)`: the number that s says."]
    StrToNumber "str_to_number" 1 Lowering::Macro, "(string) -> float";
    #[doc = "`number_to_str(x)`: x as `probe` prints it."]
    NumberToStr "number_to_str" 1 Lowering::Macro, "(float) -> string";
    #[doc = "`lift(x)`: code of a value."]
    Lift "lift" 1 Lowering::Macro, "(a) -> `a";
    #[doc = "`lift_f(x)`: code of a number."]
    LiftF "lift_f" 1 Lowering::Macro, "(float) -> `float";
    #[doc = "`lift_arrayf(a)`: code of an array of numbers."]
    LiftArrayF "lift_arrayf" 1 Lowering::Macro, "([float]) -> `[float]";
    #[doc = "`lift_array_code(a)`: an array of code as code of an array."]
    LiftArrayCode "lift_array_code" 1 Lowering::Macro, "([`a]) -> `[a]";
    #[doc = "`Control!(name, initial)`: numbers that can be moved while sound runs; the shape of `initial`."]
    Control "Control" 2 Lowering::Macro, "(string, a) -> `a";
    #[doc = "`Probe!(name)`: a function that shows its argument and gives it back."]
    Probe "Probe" 1 Lowering::Macro, "(string) -> `((a) -> a)";
    #[doc = "`ProbeValueWith!(name, shape)`: like `Probe!`, its channels named after the shape's fields."]
    ProbeValueWith "ProbeValueWith" 2 Lowering::Macro, "(string, a) -> `((a) -> a)";
    #[doc = "`midi_note_mono!(channel, note, velocity)`: pitch and velocity of the latest note."]
    MidiNoteMono "midi_note_mono" 3 Lowering::Macro, "(float, float, float) -> `{pitch: float, velocity: float}";
    #[doc = "`Sampler_mono!(path)`: a sound file: its length in frames and a function from position to sample."]
    SamplerMono "Sampler_mono" 1 Lowering::Macro, "(string) -> `{length: float, player: (float) -> float}";
    #[doc = "For the module `host`: what the host says of its transport."]
    TransportCell "_transport_cell" 1 Lowering::Macro, "(string) -> `float";
    #[doc = "For the module `host`: a new group of voices; its number."]
    VoiceGroup "_voice_group" 1 Lowering::Macro, "(float) -> float";
    #[doc = "For the module `host`: a part of one voice of a group."]
    VoiceCell "_voice_cell" 3 Lowering::Macro, "(float, float, string) -> `float";
    #[doc = "For the module `host`: the latest value of a MIDI controller."]
    CcCell "_cc_cell" 3 Lowering::Macro, "(float, float, float) -> `float";
    #[doc = "For the module `host`: the latest position of the pitch wheel."]
    BendCell "_bend_cell" 1 Lowering::Macro, "(float) -> `float";
    #[doc = "For the module `host`: the frames of a sound file."]
    SampleLength "_sample_length" 1 Lowering::Macro, "(string) -> `float";
    #[doc = "For the module `host`: one channel of a sound file, by position in frames."]
    SampleChannel "_sample_channel" 2 Lowering::Macro, "(string, float) -> `((float) -> float)";
    #[doc = "For the module `host`: code of a call, whose types are checked where it is put in."]
    CodeCall "_code_call" 2 Lowering::Macro, "(`a, `b) -> `c";
    #[doc = "For the module `host`: code of an operator by its name, checked where it is put in."]
    CodeOperator "_code_operator" 3 Lowering::Macro, "(string, `a, `b) -> `c";
    #[doc = "For the module `host`: the largest magnitude among the numbers of x."]
    HostPeak "_host_peak" 1 Lowering::Peak, "(a) -> float";
}

impl Builtin {
    /// The built-in of this name.
    pub fn named(name: &str) -> Option<Builtin> {
        Self::ALL.iter().copied().find(|b| b.name() == name)
    }

    /// Whether it is for the library alone, and no program should use it.
    pub fn is_internal(self) -> bool {
        self.name().starts_with('_')
    }
}

impl Builtin {
    /// Where it can be used.
    pub fn stages(self) -> Stages {
        match self.lowering() {
            Lowering::Op(_)
            | Lowering::Truth(_)
            | Lowering::And
            | Lowering::Or
            | Lowering::Not
            | Lowering::Array(_)
            | Lowering::Print { .. } => Stages::Both,
            Lowering::Mem
            | Lowering::Delay
            | Lowering::Schedule
            | Lowering::Ignore
            | Lowering::Peak => Stages::Audio,
            Lowering::Macro => Stages::Macro,
        }
    }
}
