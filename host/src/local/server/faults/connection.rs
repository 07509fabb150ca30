//! Connections that can be cut, so that not one byte of an answer leaves them.
//!
//! A handler cannot do that: whatever it returns or does not return, a panic included, hyper is the one who has the
//! socket. So each accepted connection goes through a [`Line`], which fails once it is cut, and whoever handles a
//! request on it finds the other end, its [`Peer`], among the request's extensions.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use axum::extract::connect_info::Connected;
use axum::serve::{IncomingStream, Listener};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// A listener whose connections can be cut.
pub(in crate::local::server) struct CuttableListener<L>(pub(in crate::local::server) L);

/// A connection that can be cut.
pub(in crate::local::server) struct Line<Io> {
    io: Io,
    cut: Arc<AtomicBool>,
}

/// Who is at the other end of a connection, and the means to cut it.
#[derive(Debug, Clone)]
pub(in crate::local::server) struct Peer {
    pub(super) addr: SocketAddr,
    cut: Arc<AtomicBool>,
}

impl Peer {
    /// Nothing is read or written from now on; hyper closes the socket at its next attempt. Only to be called while a
    /// request of the connection is handled: the end of that is what wakes hyper up.
    pub(super) fn cut(&self) {
        self.cut.store(true, Ordering::Release);
    }
}

impl<L: Listener<Addr = SocketAddr>> Listener for CuttableListener<L> {
    type Io = Line<L::Io>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        let (io, addr) = self.0.accept().await;
        let cut = Arc::default();
        (Line { io, cut }, addr)
    }

    fn local_addr(&self) -> io::Result<Self::Addr> {
        self.0.local_addr()
    }
}

impl<L: Listener<Addr = SocketAddr>> Connected<IncomingStream<'_, CuttableListener<L>>> for Peer {
    fn connect_info(stream: IncomingStream<'_, CuttableListener<L>>) -> Self {
        Self {
            addr: *stream.remote_addr(),
            cut: stream.io().cut.clone(),
        }
    }
}

impl<Io: Unpin> Line<Io> {
    fn uncut(self: Pin<&mut Self>) -> io::Result<Pin<&mut Io>> {
        let line = self.get_mut();
        if line.cut.load(Ordering::Acquire) {
            return Err(io::ErrorKind::ConnectionReset.into());
        }
        Ok(Pin::new(&mut line.io))
    }
}

impl<Io: AsyncRead + Unpin> AsyncRead for Line<Io> {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.uncut()?.poll_read(context, buffer)
    }
}

impl<Io: AsyncWrite + Unpin> AsyncWrite for Line<Io> {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.uncut()?.poll_write(context, bytes)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.uncut()?.poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.uncut()?.poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.uncut()?.poll_shutdown(context)
    }
}
