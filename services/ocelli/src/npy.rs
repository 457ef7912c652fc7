//! Tensors as NumPy files, which `numpy.load("result.npy")` reads.

use anyhow::bail;
use bytes::Bytes;
use ocelli_messages::v1;

/// Encodes a tensor in version 1.0 of the format: a magic number, the length of the header, a
/// header in the syntax of Python that ends at a multiple of 64 bytes, and the numbers.
pub(crate) fn file(tensor: &v1::Tensor) -> anyhow::Result<Bytes> {
    let kind = match tensor.element() {
        v1::ElementType::U8 => "|u1",
        v1::ElementType::U32 => "<u4",
        v1::ElementType::F16 => "<f2",
        v1::ElementType::F32 => "<f4",
        v1::ElementType::Unspecified => bail!("the tensor has an unknown element type"),
    };
    // The last number has a comma too, because (3,) is a tuple and (3) is not.
    let shape: String = tensor.shape.iter().map(|length| format!("{length},")).collect();
    let mut header = format!("{{'descr': '{kind}', 'fortran_order': False, 'shape': ({shape})}}");
    let before = b"\x93NUMPY\x01\x00".len() + size_of::<u16>();
    let length = (before + header.len() + 1).next_multiple_of(64) - before;
    header.extend(std::iter::repeat_n(' ', length - 1 - header.len()));
    header.push('\n');
    let mut file = Vec::with_capacity(before + length + tensor.data.len());
    file.extend_from_slice(b"\x93NUMPY\x01\x00");
    file.extend_from_slice(&u16::try_from(length)?.to_le_bytes());
    file.extend_from_slice(header.as_bytes());
    file.extend_from_slice(&tensor.data);
    Ok(file.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_numpy_writes_it() {
        let tensor = v1::Tensor {
            element: v1::ElementType::F32.into(),
            shape: vec![1, 3],
            layout: "nc".into(),
            data: Bytes::from_static(&[0; 12]),
        };
        let file = file(&tensor).unwrap();
        let header = b"{'descr': '<f4', 'fortran_order': False, 'shape': (1,3,)}";
        assert_eq!(&file[..10], b"\x93NUMPY\x01\x00\x76\x00");
        assert_eq!(&file[10..10 + header.len()], header);
        assert_eq!((file.len(), file[127]), (128 + 12, b'\n'));
    }
}
