//! ipc-channel, Servo's: its channel of bytes, which sleeps in the kernel whenever it waits.

use crate::measure::{Carrier, End, Stage};
use anyhow::{Context as _, Result, ensure};
use ipc_channel::ipc::{IpcBytesReceiver, IpcBytesSender, IpcOneShotServer, IpcSender, bytes_channel};

/// One end of two channels, one each way.
pub struct IpcChannel {
    out: IpcBytesSender,
    back: IpcBytesReceiver,
}

/// The first message of the far side: its ends.
type Ends = (IpcBytesSender, IpcBytesReceiver);

impl<const BYTES: usize> Carrier<BYTES> for IpcChannel {
    const WHO: &'static str = "ipc_channel";
    const SLEEPS: bool = true;

    fn near(stage: &Stage<'_>) -> Result<Self> {
        let (server, name) = IpcOneShotServer::<Ends>::new()?;
        stage.link.send(&name)?;
        let (_, (out, back)) = server.accept()?;
        Ok(Self { out, back })
    }

    fn far(stage: &Stage<'_>) -> Result<Self> {
        let name: String = stage.link.receive()?.context("no name came")?;
        let (theirs, back) = bytes_channel()?;
        let (out, their_back) = bytes_channel()?;
        IpcSender::connect(name)?.send((theirs, their_back))?;
        Ok(Self { out, back })
    }
}

impl<const BYTES: usize> End<BYTES> for IpcChannel {
    #[inline(always)]
    fn send(&mut self, message: &[u8; BYTES]) -> Result<()> {
        Ok(self.out.send(message)?)
    }

    #[inline(always)]
    fn receive(&mut self, into: &mut [u8; BYTES]) -> Result<()> {
        let message = self.back.recv()?;
        ensure!(message.len() == BYTES, "{} bytes came, not {BYTES}", message.len());
        into.copy_from_slice(&message);
        Ok(())
    }
}
