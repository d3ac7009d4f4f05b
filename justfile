# What every change must pass.
check:
    .ci/run

# Formats the sources.
fmt:
    cargo fmt --all

# All tests; some need nginx, curl and python3.
test:
    cargo test --workspace

# Weir beside nginx, HAProxy and bare hyper: `just bench --rounds 3 --only weir,nginx`.
bench *options:
    cargo build --profile dist -p weir -p weir-bench
    target/dist/weir-bench {{options}}

# A proxy, a chain and a server in one process.
demo:
    cargo run --release -- demo
