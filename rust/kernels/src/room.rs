//! Vectors that stay: without the room that growing left behind.
//!
//! In: a vector. Out: the same numbers. `shrink_to_fit` asks the allocator, and one that keeps sizes in classes leaves a
//! vector where it is as long as half of it is used; a fleet has tens of thousands of them.

/// The vector in a place of its own length, where a sixteenth or more of its room is empty.
pub fn fitted<T: Clone>(vector: Vec<T>) -> Vec<T> {
    if vector.capacity() - vector.len() > vector.len() / 16 { vector.as_slice().to_vec() } else { vector }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_room_that_counts_is_given_back() {
        let mut vector = Vec::with_capacity(100);
        vector.extend(0..70);
        let kept = vector.clone();
        let fitted = fitted(vector);
        assert_eq!((&fitted, fitted.capacity()), (&kept, 70));
        assert_eq!(super::fitted(fitted).capacity(), 70);
        assert_eq!(super::fitted(Vec::<u8>::new()).capacity(), 0);
    }
}
