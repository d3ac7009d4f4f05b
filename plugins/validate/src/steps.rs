//! What looking at one message may cost, counted rather than timed: the same message costs the same on every machine.

/// Steps that are left.
#[derive(Debug)]
pub(crate) struct Steps {
    left: u32,
}

/// There are none left, or it goes too deep.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TooComplex;

/// Bytes that are compared or hashed in the time of one step.
const BYTES: usize = 16;

impl Steps {
    pub(crate) fn new(steps: u32) -> Self {
        Self { left: steps }
    }

    /// As many steps.
    pub(crate) fn take(&mut self, steps: u32) -> Result<(), TooComplex> {
        self.left = self.left.checked_sub(steps).ok_or(TooComplex)?;
        Ok(())
    }

    /// The steps for so many bytes.
    pub(crate) fn take_bytes(&mut self, bytes: usize) -> Result<(), TooComplex> {
        self.take(u32::try_from(bytes / BYTES).unwrap_or(u32::MAX))
    }

    #[cfg(test)]
    pub(crate) fn left(&self) -> u32 {
        self.left
    }
}
