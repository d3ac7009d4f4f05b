//! Ticks where the time is given: they come when somebody lets time pass.

use std::rc::Rc;
use std::time::Duration;

use crate::plugin::Pools;
use crate::plugin::after::tick_once;
use crate::plugin::pool::Pool;

impl Pools {
    /// How often each filter wants to tick that does, by its place among the entries.
    pub fn ticking(&self) -> Vec<(usize, Duration)> {
        let ticks = |(place, pool): (usize, &Rc<Pool>)| Some((place, pool.entry.tick_interval()?));
        self.pools().iter().enumerate().filter_map(ticks).collect()
    }

    /// One tick of the filter at this place.
    pub async fn tick(&self, place: usize) {
        if let Some(pool) = self.pools().get(place) {
            tick_once(pool).await;
        }
    }
}
