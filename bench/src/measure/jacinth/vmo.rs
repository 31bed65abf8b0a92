//! 16 MiB of pages made known to another process, which maps them, looks at them, and lets them go.

use super::transfer::take;
use super::{hand_over, take_over};
use crate::measure::peer::unix::memfd::{BYTES, look_at};
use crate::measure::{Measurement, Sample, Stage, Unit, round_trips};
use crate::process::link::Reply;
use anyhow::{Result, ensure};
use jacinth::{
    MemoryPromise, MessageBuf, NullableHandle, Rights, Unowned, Vmar, VmarFlags, Vmo, vmar_root_self,
};

/// The measurement.
pub struct VmoHandover;

impl Measurement for VmoHandover {
    fn who(&self) -> &'static str {
        super::WHO
    }

    fn what(&self) -> &'static str {
        "vmo_handover_16MiB"
    }

    fn unit(&self) -> Unit {
        Unit::Nanoseconds
    }

    fn near(&self, stage: &Stage<'_>) -> Result<Sample> {
        let channel = hand_over(stage)?;
        stage.link.expect_ready()?;
        let vmo = Vmo::create(BYTES as u64)?;
        vmo.write(&vec![1; BYTES], 0)?;
        let mut message = MessageBuf::new();
        let mut luggage = [NullableHandle::invalid()];
        let latency = round_trips(stage.effort, || {
            luggage[0] = vmo.duplicate(Rights::SAME_RIGHTS)?.into();
            channel.write(b"", &mut luggage)?;
            ensure!(take(&channel, &mut message, &mut luggage)?, "the far side closed the channel");
            luggage[0] = NullableHandle::invalid();
            Ok(())
        })?;
        drop(channel);
        stage.link.expect_done()?;
        Ok(Sample::Latency(latency))
    }

    #[expect(unsafe_code, reason = "mapped memory is read, and unmapped")]
    fn far(&self, stage: &Stage<'_>) -> Result<()> {
        let channel = take_over(stage)?;
        stage.link.send(&Reply::Ready)?;
        let space: Unowned<'_, Vmar> = vmar_root_self()?.cast();
        let mut message = MessageBuf::new();
        let mut luggage = [NullableHandle::invalid()];
        let mut count = 0;
        while take(&channel, &mut message, &mut luggage)? {
            let [handle] = luggage;
            let vmo = Vmo::from(handle);
            let address = space.map(0, &vmo, 0, BYTES, VmarFlags::PERM_READ)?;
            // SAFETY: so many bytes were just mapped.
            unsafe { look_at(address) };
            // SAFETY: no reference to them is left.
            space.unmap(address, BYTES, unsafe { MemoryPromise::no_thread_relies_on_it() })?;
            luggage = [vmo.into()];
            channel.write(b"", &mut luggage)?;
            count += 1;
        }
        stage.link.send(&Reply::Done(count))
    }
}
