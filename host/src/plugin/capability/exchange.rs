//! The exchange itself, and the filter's slot in it.

use wasmtime::Result;

use crate::plugin::bindings::exchange::Host;
use crate::plugin::bindings::types::Refusal;
use crate::plugin::instance::Guest;

const LARGEST_SLOT: usize = 64 << 10;

impl Host for Guest {
    fn id(&mut self) -> Result<String> {
        Ok(self.exchange()?.id.to_string())
    }

    fn route(&mut self) -> Result<String> {
        Ok(self.exchange()?.route.as_deref().unwrap_or_default().to_owned())
    }

    fn client_address(&mut self) -> Result<String> {
        Ok(self.exchange()?.client.to_string())
    }

    fn slot(&mut self) -> Result<Vec<u8>> {
        let position = self.position;
        let slots = &self.exchange()?.slots;
        Ok(slots.iter().find(|(owner, _)| *owner == position).map(|(_, value)| value.clone()).unwrap_or_default())
    }

    fn set_slot(&mut self, value: Vec<u8>) -> Result<Result<(), Refusal>> {
        let position = self.position;
        let slots = &mut self.exchange()?.slots;
        if value.len() > LARGEST_SLOT {
            return Ok(Err(Refusal::TooLarge));
        }
        match slots.iter_mut().find(|(owner, _)| *owner == position) {
            Some((_, slot)) => *slot = value,
            None => slots.push((position, value)),
        }
        Ok(Ok(()))
    }
}
