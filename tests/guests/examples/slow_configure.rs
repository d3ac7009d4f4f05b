//! Computes for a while in `configure`.

struct Slow;

#[weir::filter]
impl Slow {
    fn configure() -> Result<Self, weir::Fault> {
        let mut sum = 0_u64;
        for number in 0..200_000_000_u64 {
            sum = std::hint::black_box(sum.wrapping_add(number));
        }
        weir::info!("configured with {sum}");
        Ok(Self)
    }

    fn on_request(&self) {}
}
