//! Any value of any type, out of a seed.

use wasmtime::component::{Type, Val};

/// A small generator of numbers (splitmix64): the seed comes from proptest, which prints it.
pub(super) struct Dice(pub(super) u64);

impl Dice {
    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(super) fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(bound).unwrap()).unwrap()
    }

    /// A number of any magnitude.
    fn bits(&mut self) -> u64 {
        let shift = self.below(64);
        let sign = if self.next().is_multiple_of(2) { u64::MAX } else { 0 };
        (self.next() >> shift) ^ sign
    }

    fn char(&mut self) -> char {
        const SOME: [char; 10] = ['a', '~', '\0', '\u{7f}', '\u{80}', 'é', '\u{7ff}', '€', '\u{ffff}', '\u{10ffff}'];
        SOME[self.below(SOME.len())]
    }

    fn text(&mut self) -> String {
        let ascii = self.next().is_multiple_of(2);
        let length = [0, 1, 7, 8, 9, 15, 16, 17, 40][self.below(9)];
        (0..length).map(|_| if ascii { 'x' } else { self.char() }).collect()
    }
}

#[allow(clippy::cast_possible_truncation)]
pub(super) fn value(ty: &Type, dice: &mut Dice) -> Val {
    match ty {
        Type::Bool => Val::Bool(dice.next().is_multiple_of(2)),
        Type::U8 => Val::U8(dice.bits() as u8),
        Type::S8 => Val::S8(dice.bits() as i8),
        Type::U16 => Val::U16(dice.bits() as u16),
        Type::S16 => Val::S16(dice.bits() as i16),
        Type::U32 => Val::U32(dice.bits() as u32),
        Type::S32 => Val::S32(dice.bits() as i32),
        Type::U64 => Val::U64(dice.bits()),
        Type::S64 => Val::S64(dice.bits() as i64),
        Type::Float32 => Val::Float32(f32::from_bits(dice.bits() as u32)),
        Type::Float64 => Val::Float64(f64::from_bits(dice.bits())),
        Type::Char => Val::Char(dice.char()),
        Type::String => Val::String(dice.text()),
        _ => composite(ty, dice),
    }
}

fn composite(ty: &Type, dice: &mut Dice) -> Val {
    let count = dice.below(5);
    match ty {
        Type::List(list) => Val::List((0..count).map(|_| value(&list.ty(), dice)).collect()),
        Type::FixedLengthList(list) => Val::FixedLengthList((0..list.len()).map(|_| value(&list.ty(), dice)).collect()),
        // Keys differ: a map with equal keys keeps the last.
        Type::Map(map) => Val::Map((0..count).map(|at| (key(&map.key(), at), value(&map.value(), dice))).collect()),
        Type::Record(record) => {
            Val::Record(record.fields().map(|field| (field.name.to_owned(), value(&field.ty, dice))).collect())
        }
        Type::Tuple(tuple) => Val::Tuple(tuple.types().map(|ty| value(&ty, dice)).collect()),
        Type::Variant(variant) => {
            let case = variant.cases().nth(dice.below(variant.cases().len())).unwrap();
            Val::Variant(case.name.to_owned(), case.ty.map(|ty| Box::new(value(&ty, dice))))
        }
        Type::Enum(names) => Val::Enum(names.names().nth(dice.below(names.names().len())).unwrap().to_owned()),
        Type::Option(option) => Val::Option((count > 1).then(|| Box::new(value(&option.ty(), dice)))),
        Type::Result(result) => match count {
            0 | 1 => Val::Result(Err(result.err().map(|ty| Box::new(value(&ty, dice))))),
            _ => Val::Result(Ok(result.ok().map(|ty| Box::new(value(&ty, dice))))),
        },
        Type::Flags(flags) => {
            Val::Flags(flags.names().filter(|_| dice.next().is_multiple_of(2)).map(str::to_owned).collect())
        }
        other => panic!("{other:?}"),
    }
}

fn key(ty: &Type, at: usize) -> Val {
    match ty {
        Type::U32 => Val::U32(u32::try_from(at).unwrap() << 6),
        Type::String => Val::String("k".repeat(at)),
        other => panic!("{other:?}"),
    }
}
