//! The precise functions, called where a fast polynomial does not reach.

/// A function of the pinned `libm` crate, the same bits on every platform.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum SlowFn {
    /// Sine of radians.
    Sin,
    /// Cosine of radians.
    Cos,
    /// Tangent of radians.
    Tan,
    /// `atan2(y, x)`, the angle of the point (x, y), radians.
    Atan2,
    /// Hyperbolic sine.
    Sinh,
    /// Hyperbolic cosine.
    Cosh,
    /// e to the power x.
    Exp,
    /// 2 to the power x.
    Exp2,
    /// Natural logarithm.
    Log,
    /// Logarithm to base 2.
    Log2,
    /// `pow(x, y)`, x to the power y, with the special cases of C99.
    Pow,
}

impl SlowFn {
    /// Every function, in the order of declaration.
    pub const ALL: [Self; 11] = [
        Self::Sin,
        Self::Cos,
        Self::Tan,
        Self::Atan2,
        Self::Sinh,
        Self::Cosh,
        Self::Exp,
        Self::Exp2,
        Self::Log,
        Self::Log2,
        Self::Pow,
    ];

    /// The name, as MIR prints it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Sin => "slow_sin",
            Self::Cos => "slow_cos",
            Self::Tan => "slow_tan",
            Self::Atan2 => "slow_atan2",
            Self::Sinh => "slow_sinh",
            Self::Cosh => "slow_cosh",
            Self::Exp => "slow_exp",
            Self::Exp2 => "slow_exp2",
            Self::Log => "slow_log",
            Self::Log2 => "slow_log2",
            Self::Pow => "slow_pow",
        }
    }

    /// How many arguments it takes: 1 or 2.
    pub fn arity(self) -> usize {
        match self {
            Self::Atan2 | Self::Pow => 2,
            Self::Sin
            | Self::Cos
            | Self::Tan
            | Self::Sinh
            | Self::Cosh
            | Self::Exp
            | Self::Exp2
            | Self::Log
            | Self::Log2 => 1,
        }
    }

    /// The value for `a` and, where [`SlowFn::arity`] is 2, `b`, which is ignored otherwise.
    ///
    /// Neither allocates nor panics; may be called from generated code.
    pub fn call(self, a: f64, b: f64) -> f64 {
        match self {
            Self::Sin => libm::sin(a),
            Self::Cos => libm::cos(a),
            Self::Tan => libm::tan(a),
            Self::Atan2 => libm::atan2(a, b),
            Self::Sinh => libm::sinh(a),
            Self::Cosh => libm::cosh(a),
            Self::Exp => libm::exp(a),
            Self::Exp2 => libm::exp2(a),
            Self::Log => libm::log(a),
            Self::Log2 => libm::log2(a),
            Self::Pow => libm::pow(a, b),
        }
    }

    /// The value for `args`, as many as [`SlowFn::arity`] says; NaN for a missing one.
    pub fn eval(self, args: &[f64]) -> f64 {
        let arg = |i: usize| args.get(i).copied().unwrap_or(f64::NAN);
        self.call(arg(0), arg(1))
    }
}
