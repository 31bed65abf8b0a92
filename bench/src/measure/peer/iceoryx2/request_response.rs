//! Its request-response: one client, and a server that asks again and again.

use super::{hand_over, new_name, node, take_over_name};
use crate::measure::{
    Measurement, STOP, Sample, Stage, Unit, first_word, last_message, message, round_trips,
};
use crate::process::link::Reply;
use ::iceoryx2::prelude::*;
use ::iceoryx2::service::port_factory::request_response::PortFactory;
use anyhow::{Result, ensure};
use std::hint::black_box;

/// The measurement.
pub struct RequestResponse;

/// The bytes of a request and of its response.
const BYTES: usize = 64;

type Service = PortFactory<ipc::Service, [u8], (), [u8], ()>;

fn service(node: &Node<ipc::Service>, name: &str) -> Result<Service> {
    Ok(node.service_builder(&name.try_into()?).request_response::<[u8], [u8]>().open_or_create()?)
}

impl Measurement for RequestResponse {
    fn who(&self) -> &'static str {
        super::WHO
    }

    fn what(&self) -> &'static str {
        "call_rtt"
    }

    fn unit(&self) -> Unit {
        Unit::Nanoseconds
    }

    fn near(&self, stage: &Stage<'_>) -> Result<Sample> {
        let name = new_name();
        let node = node()?;
        let client = service(&node, &name)?.client_builder().initial_max_slice_len(BYTES).create()?;
        hand_over(stage, &name)?;
        stage.link.expect_ready()?;
        let call = |request: &[u8; BYTES]| -> Result<()> {
            let pending = client.loan_slice_uninit(BYTES)?.write_from_slice(request).send()?;
            loop {
                if let Some(response) = pending.receive()? {
                    ensure!(response.len() == BYTES, "a response of {} bytes", response.len());
                    black_box(&response);
                    return Ok(());
                }
            }
        };
        let request = message();
        let latency = round_trips(stage.effort, || call(black_box(&request)))?;
        call(&last_message())?;
        stage.link.expect_done()?;
        Ok(Sample::Latency(latency))
    }

    fn far(&self, stage: &Stage<'_>) -> Result<()> {
        let name = take_over_name(stage)?;
        let node = node()?;
        let server = service(&node, &name)?.server_builder().initial_max_slice_len(BYTES).create()?;
        stage.link.send(&Reply::Ready)?;
        let mut count = 0;
        loop {
            let Some(request) = server.receive()? else { continue };
            request.loan_slice_uninit(BYTES)?.write_from_slice(&request).send()?;
            if first_word(&request)? == STOP {
                return stage.link.send(&Reply::Done(count));
            }
            count += 1;
        }
    }
}
