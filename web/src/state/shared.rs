//! Large values that are compared by identity.

use std::fmt;
use std::ops::Deref;
use std::rc::Rc;

/// A shared value; two are equal when they are the same one. Comparing costs nothing, whatever
/// is inside, which is what properties and effects of a page that changes 20 times a second need.
pub struct Shared<T: ?Sized>(Rc<T>);

impl<T> Shared<T> {
    /// Shares a value.
    pub fn new(value: T) -> Self {
        Self(Rc::new(value))
    }

    /// Changes a copy of the value, so that the result is not equal to what it was before.
    pub fn update(&mut self, change: impl FnOnce(&mut T))
    where
        T: Clone,
    {
        let mut value = (*self.0).clone();
        change(&mut value);
        self.0 = Rc::new(value);
    }

    /// Puts an empty value in its place; one that is empty already stays the same one.
    pub fn clear(&mut self)
    where
        T: Default + PartialEq,
    {
        let empty = T::default();
        if *self.0 != empty {
            self.0 = Rc::new(empty);
        }
    }
}

impl<T: ?Sized> Clone for Shared<T> {
    fn clone(&self) -> Self {
        Self(Rc::clone(&self.0))
    }
}

impl<T: ?Sized> Deref for Shared<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T: ?Sized> PartialEq for Shared<T> {
    fn eq(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.0, &other.0)
    }
}

impl<T: ?Sized> Eq for Shared<T> {}

impl<T: Default> Default for Shared<T> {
    fn default() -> Self {
        Self::new(T::default())
    }
}

impl<T: fmt::Debug + ?Sized> fmt::Debug for Shared<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
