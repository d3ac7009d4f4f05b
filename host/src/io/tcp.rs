//! A TCP connection that gives up a peer who takes nothing.

use std::io::{Error, ErrorKind, IoSlice, Result};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use crate::clock::Sleep;
use crate::telemetry::metrics::Listener;

/// How long a peer may take nothing of what is written to it: longer than a bad network needs to come back, and short
/// enough that a client that never reads does not hold its exchange, and the upstream's, for ever.
#[cfg(not(test))]
pub const STALLED: Duration = Duration::from_secs(60);
/// Tests do not wait so long.
#[cfg(test)]
pub const STALLED: Duration = Duration::from_millis(200);

/// The connection.
#[derive(Debug)]
pub struct Tcp {
    stream: TcpStream,
    /// Runs while the peer takes nothing.
    stalled: Option<Sleep>,
    /// Where its bytes are counted.
    counts: Arc<Listener>,
}

impl Tcp {
    /// Takes over the stream.
    pub fn new(stream: TcpStream, counts: Arc<Listener>) -> Self {
        Self { stream, stalled: None, counts }
    }

    /// The stream itself.
    pub fn get_ref(&self) -> &TcpStream {
        &self.stream
    }

    /// Counts while a write has to wait.
    fn watch(&mut self, context: &mut Context<'_>, written: Poll<Result<usize>>) -> Poll<Result<usize>> {
        if let Poll::Ready(result) = &written {
            self.counts.sent.add(result.as_ref().map_or(0, |length| *length as u64));
            if self.stalled.is_some() {
                self.stalled = None;
            }
            return written;
        }
        let stalled = self.stalled.get_or_insert_with(|| Sleep::new(STALLED));
        ready!(Pin::new(stalled).poll(context));
        Poll::Ready(Err(Error::new(ErrorKind::TimedOut, format!("the peer took nothing for {STALLED:?}"))))
    }
}

impl AsyncRead for Tcp {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(context, buffer);
        self.counts.received.add((buffer.filled().len() - before) as u64);
        read
    }
}

impl AsyncWrite for Tcp {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.watch(context, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, slices);
        self.watch(context, written)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;
    use crate::clock;

    fn on_a_worker<T>(future: impl Future<Output = T>) -> T {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build_local(tokio::runtime::LocalOptions::default());
        runtime.unwrap().block_on(async {
            tokio::select! {
                output = future => output,
                () = clock::run() => unreachable!("the clock does not end"),
            }
        })
    }

    async fn pair() -> (Tcp, TcpStream) {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let peer = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        (Tcp::new(listener.accept().await.unwrap().0, Arc::default()), peer)
    }

    #[test]
    fn a_peer_that_takes_nothing_is_given_up() {
        on_a_worker(async {
            let (mut ours, _peer) = pair().await;
            let started = Instant::now();
            let error = loop {
                if let Err(error) = ours.write_all(&vec![0; 64 << 10]).await {
                    break error;
                }
            };
            assert_eq!(error.kind(), ErrorKind::TimedOut);
            assert!(started.elapsed() >= STALLED);
        });
    }

    #[test]
    fn a_peer_that_is_slow_is_not() {
        on_a_worker(async {
            let (mut ours, mut peer) = pair().await;
            let writing = async {
                ours.write_all(&vec![0; 16 << 20]).await.unwrap();
                ours.shutdown().await.unwrap();
            };
            let reading = async {
                let (mut taken, mut pieces) = (0, 0);
                let mut buffer = vec![0; 2 << 20];
                loop {
                    // Every pause is shorter than the limit, all of them together are longer.
                    clock::Sleep::new(STALLED / 4).await;
                    let mut piece = 0;
                    while piece < buffer.len() {
                        match peer.read(&mut buffer[piece..]).await.unwrap() {
                            0 => return (taken + piece, pieces),
                            length => piece += length,
                        }
                    }
                    (taken, pieces) = (taken + piece, pieces + 1);
                }
            };
            let ((), (taken, pieces)) = tokio::join!(writing, reading);
            assert_eq!(taken, 16 << 20);
            assert!(pieces >= 8);
        });
    }
}
