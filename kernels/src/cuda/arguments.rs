//! Turns the arguments of a launch into values, once it is known where the memory lies.

use super::launch::MOST_INTS;
use super::{Argument, CudaError};

/// The addresses on the device of the memory of a stage.
#[derive(Clone, Copy, Debug)]
pub(super) struct Addresses<'a> {
    pub(super) input: u64,
    pub(super) output: u64,
    pub(super) scratch: &'a [u64],
    pub(super) data: &'a [u64],
}

/// An argument in the form that the driver takes.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    Pointer(u64),
    Int(i32),
    Float(f32),
    /// The driver copies only as many numbers as the kernel declares.
    Ints(Box<[i32; MOST_INTS]>),
}

/// Resolves the arguments of a launch.
pub(super) fn resolve(arguments: &[Argument], at: Addresses<'_>) -> Result<Vec<Value>, CudaError> {
    let pointer = |list: &[u64], index: usize| {
        let missing = || {
            CudaError::Bug(format!(
                "a kernel refers to buffer {index} of {list:?}, which does not exist"
            ))
        };
        list.get(index).copied().map(Value::Pointer).ok_or_else(missing)
    };
    let value = |argument: &Argument| match argument {
        Argument::Input => Ok(Value::Pointer(at.input)),
        Argument::Output => Ok(Value::Pointer(at.output)),
        Argument::Scratch(index) => pointer(at.scratch, *index),
        Argument::Data(index) => pointer(at.data, *index),
        Argument::Int(value) => Ok(Value::Int(*value)),
        Argument::Float(value) => Ok(Value::Float(*value)),
        Argument::Ints(values) => {
            let mut all = Box::new([0; MOST_INTS]);
            let room = all.get_mut(..values.len()).ok_or_else(|| {
                CudaError::Bug(format!("{} numbers are too many for a kernel", values.len()))
            })?;
            room.copy_from_slice(values);
            Ok(Value::Ints(all))
        }
    };
    arguments.iter().map(value).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT: Addresses<'_> = Addresses { input: 1, output: 2, scratch: &[3, 4], data: &[5] };

    #[test]
    fn each_argument_becomes_a_value_in_its_place() {
        let arguments = [
            Argument::Output,
            Argument::Int(-7),
            Argument::Scratch(1),
            Argument::Data(0),
            Argument::Float(0.5),
            Argument::Input,
            Argument::Ints(vec![8, 9]),
        ];
        let values = resolve(&arguments, AT).unwrap();
        let mut ints = Box::new([0; MOST_INTS]);
        ints[..2].copy_from_slice(&[8, 9]);
        let expected = [
            Value::Pointer(2),
            Value::Int(-7),
            Value::Pointer(4),
            Value::Pointer(5),
            Value::Float(0.5),
            Value::Pointer(1),
            Value::Ints(ints),
        ];
        assert_eq!(values, expected);
    }

    #[test]
    fn what_is_not_there_is_an_error() {
        for argument in
            [Argument::Scratch(2), Argument::Data(1), Argument::Ints(vec![0; MOST_INTS + 1])]
        {
            assert!(matches!(resolve(&[argument], AT), Err(CudaError::Bug(_))));
        }
    }
}
