//! The work of a device: decode, compute, encode.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use bytes::Bytes;
use ocelli_actors::{
    broker::Hold,
    device::{BatchLimits, Worker},
};
use ocelli_kernels::{
    Backend, BackendError, Image, Interrupt, Limits, Output as Computed, Planned, Pool,
};
use ocelli_messages::{Deadline, ErrorKind, Failure, Payload, v1};
use prost::Message as _;
use tokio::{sync::oneshot, time::Instant};

use crate::{
    dispatch::{Costs, FileWork, Pending},
    output::Output,
    pixels,
    plan::{self, Plan},
    times::{Meters, Times},
};

/// A request that a device processes.
#[derive(Debug)]
pub(crate) struct Job {
    pub(crate) plan: Plan,
    /// The time at which its message arrived.
    pub(crate) arrived: Instant,
    pub(crate) deadline: Deadline,
    /// The span of the request, so that log lines show which request they belong to.
    pub(crate) span: tracing::Span,
    /// Tells the work to stop at the deadline, and when nobody waits for it any more.
    pub(crate) interrupt: Interrupt,
    /// The credit of the request. The work may outlive the request, and takes memory until it ends.
    pub(crate) hold: Hold,
    /// The most bytes that the result may have.
    pub(crate) max_result: usize,
    /// Counts the job in the backlog of its device, if there is a choice of devices.
    pub(crate) pending: Option<Pending>,
    /// The channel for the answer, an encoded `ProcessResponse`.
    pub(crate) reply: oneshot::Sender<Result<Bytes, Failure>>,
}

/// Processes jobs on one backend.
pub(crate) struct FilterWorker {
    backend: Box<dyn Backend>,
    pool: Pool,
    limits: Limits,
    /// The name of the worker in its responses.
    name: Arc<str>,
    batch: BatchLimits,
    costs: Arc<Costs>,
    meters: Meters,
}

/// A job after its image was decoded.
struct Decoded {
    planned: Planned,
    queue: Duration,
    decode: Duration,
    max_result: usize,
}

impl FilterWorker {
    pub(crate) fn new(
        backend: Box<dyn Backend>,
        pool: Pool,
        limits: Limits,
        name: Arc<str>,
        costs: Arc<Costs>,
    ) -> Self {
        let meters = Meters::new(backend.accelerator());
        Self { backend, pool, limits, name, batch: BatchLimits::ONE, costs, meters }
    }

    /// The same worker, which takes several jobs at a time if they can be in one batch.
    pub(crate) fn in_batches(self, batch: BatchLimits) -> Self {
        Self { batch, ..self }
    }

    fn decode(&self, job: &Job) -> Result<(Decoded, Image), Failure> {
        let (queue, started) = (job.arrived.elapsed(), Instant::now());
        // The receiver is dropped if the request timed out or its connection was lost.
        if job.reply.is_closed()
            || job.interrupt.is_set()
            || job.deadline.left(SystemTime::now()).is_none()
        {
            return Err(Failure::deadline("the deadline passed before the work began"));
        }
        let _entered = job.span.enter();
        let image = pixels::decode(&job.plan.payload, &self.limits, &self.pool)?;
        let decode = started.elapsed();
        if let Payload::Encoded(file) = &job.plan.payload {
            let (codec, pixels) = (file.header.codec, image.shape().bytes());
            self.costs.record_file(codec, FileWork::Decode, pixels, decode);
        }
        let planned = job.plan.for_image(image.shape(), &self.limits)?;
        Ok((Decoded { planned, queue, decode, max_result: job.max_result }, image))
    }

    /// Returns a result for each image. The images of a batch that failed are processed one by one,
    /// so that an image that cannot be processed fails only its own request.
    fn compute(
        &mut self,
        planned: &Planned,
        images: Vec<Image>,
        interrupts: &[Interrupt],
    ) -> Vec<Result<Computed, BackendError>> {
        self.meters.batch(images.len());
        if images.len() == 1 {
            let run = |(image, interrupt)| self.backend.run_planned(planned, image, interrupt);
            return images.into_iter().zip(interrupts).map(run).collect();
        }
        let results = self.backend.run_batch(planned, images.clone(), interrupts);
        results
            .into_iter()
            .zip(images.into_iter().zip(interrupts))
            .map(|(result, (image, interrupt))| match result {
                Err(BackendError::Internal(_) | BackendError::DeviceBusy(_)) => {
                    self.meters.batch(1);
                    self.backend.run_planned(planned, image, interrupt)
                }
                result => result,
            })
            .collect()
    }

    fn finish(
        &mut self,
        plan: Plan,
        decoded: &Decoded,
        computed: Result<Computed, BackendError>,
    ) -> Result<Bytes, Failure> {
        let computed = computed.map_err(|error| failed(&error))?;
        let started = Instant::now();
        let bytes = computed.image.shape().bytes();
        let makes_tensor = computed.tensor.is_some();
        let payload = match computed.tensor {
            Some(tensor) => v1::frame::Payload::Tensor(pixels::tensor(tensor)),
            None => pixels::encode(computed.image, plan.output, decoded.max_result, &self.pool)?,
        };
        let encode = started.elapsed();
        if let (Output::Encoded(codec, _), false) = (plan.output, makes_tensor) {
            self.costs.record_file(codec, FileWork::Encode, bytes, encode);
        }
        let &Decoded { queue, decode, .. } = decoded;
        let times = Times { queue, decode, steps: computed.steps, encode };
        self.meters.frame(&plan.chain, &times);
        let response = v1::ProcessResponse {
            steps: times.report(&plan.chain, self.backend.accelerator()),
            timing: Some(times.total()),
            frame: Some(v1::Frame { payload: Some(payload), ..plan.identity }),
            error: None,
            worker: self.name.to_string(),
        };
        Ok(encode_response(&response, &self.pool))
    }
}

impl Worker for FilterWorker {
    type Job = Job;

    fn batch(&self) -> BatchLimits {
        self.batch
    }

    fn together(first: &Job, other: &Job) -> bool {
        first.plan.goes_with(&other.plan)
    }

    fn work(&mut self, jobs: &mut Vec<Job>) -> Result<(), Failure> {
        // A job is removed from the list when it is answered. Jobs that are left after a panic are
        // processed again.
        let (mut decoded, mut images) = (Vec::new(), Vec::new());
        while let Some(job) = jobs.get(images.len()) {
            match self.decode(job) {
                Ok((one, image)) => {
                    decoded.push(one);
                    images.push(image);
                }
                Err(failure) => answer(jobs.remove(images.len()), |_| Err(failure)),
            }
        }
        // All jobs of a batch have the same chain and shape.
        let (Some(first), Some(Decoded { planned, .. })) = (jobs.first(), decoded.first()) else {
            return Ok(());
        };
        let computed = {
            let _entered = (images.len() == 1).then(|| first.span.enter());
            let interrupts: Vec<_> = jobs.iter().map(|job| job.interrupt.clone()).collect();
            self.compute(planned, images, &interrupts)
        };
        let (mut computed, mut lost) = (computed.into_iter(), None);
        for one in decoded {
            let missing = || Err(BackendError::Internal("a result is missing".to_owned()));
            let result = computed.next().unwrap_or_else(missing);
            answer(jobs.remove(0), |plan| {
                let result = self.finish(plan, &one, result);
                match &result {
                    Err(failure) if failure.kind == ErrorKind::DeviceLost => {
                        lost = Some(failure.clone());
                    }
                    _ => {}
                }
                result
            });
        }
        lost.map_or(Ok(()), Err)
    }
}

/// Answers a job with the result that `result` computes from its plan, within its span.
fn answer(job: Job, result: impl FnOnce(Plan) -> Result<Bytes, Failure>) {
    let Job { plan, span, pending, reply, hold, .. } = job;
    let _entered = span.enter();
    let result = result(plan);
    // The job must not count in the backlog of its device any more when the client gets the answer.
    drop(pending);
    if reply.send(result).is_err() {
        tracing::debug!("the caller no longer waits for this result");
    }
    // The pixels are gone, and the result is on its way or gone too.
    drop(hold);
}

/// Encodes a response into memory that returns to the pool once it was sent.
pub(crate) fn encode_response(response: &v1::ProcessResponse, pool: &Pool) -> Bytes {
    let mut buffer = pool.take(response.encoded_len());
    let mut room: &mut [u8] = &mut buffer;
    match response.encode(&mut room) {
        Ok(()) => buffer.freeze(),
        // This cannot happen, because the buffer has the length of the message.
        Err(_) => response.encode_to_vec().into(),
    }
}

/// The failure of a run. The message of the device is only logged.
fn failed(error: &BackendError) -> Failure {
    match error {
        BackendError::Refused { .. }
        | BackendError::Format { .. }
        | BackendError::Unsupported { .. } => plan::refused(error),
        BackendError::DeviceBusy(_) => {
            Failure::new(ErrorKind::DeviceBusy, "the device has no memory for this request now")
                .retry_after(Duration::from_millis(500))
        }
        BackendError::DeviceLost(detail) => {
            tracing::error!(detail, "the device is lost");
            Failure::new(ErrorKind::DeviceLost, "the device is lost")
                .retry_after(Duration::from_secs(1))
        }
        BackendError::Interrupted => {
            Failure::deadline("the deadline passed while the filters worked")
        }
        BackendError::Internal(detail) => {
            tracing::error!(detail, "a filter failed");
            Failure::internal("a filter failed")
        }
    }
}

#[cfg(test)]
mod tests {
    use ocelli_actors::{
        device::{DeviceActor, DeviceQueue, MakeWorker},
        supervisor::{ChildSpec, Restart, Supervisor, SupervisorSpec},
        tree::ActorTree,
    };
    use ocelli_kernels::codec::Codec;
    use ocelli_testkit::{
        PATIENCE,
        gpu::{ERROR, FakeGpu, LOST, PANIC},
        patiently,
    };
    use tokio::task::LocalSet;

    use super::*;
    use crate::test_jobs::{self, Answer};

    const MANY: BatchLimits = BatchLimits { jobs: 8, bytes: usize::MAX };

    fn worker(gpu: &FakeGpu) -> FilterWorker {
        worker_recording(gpu, Arc::default())
    }

    fn worker_recording(gpu: &FakeGpu, costs: Arc<Costs>) -> FilterWorker {
        let limits = Limits { max_side_px: 99, max_pixels: 999, ..Limits::default() };
        let (backend, pool) = (Box::new(gpu.clone()), Pool::new(0));
        let worker = FilterWorker::new(backend, pool, limits, "w".into(), costs);
        worker.in_batches(MANY)
    }

    /// Jobs that invert frames of the given values, which are also their sequence numbers.
    fn jobs(values: &[u8]) -> (Vec<Job>, Vec<Answer>) {
        let one = |value: &u8| {
            let mut request = test_jobs::request("invert", *value);
            request.frame.as_mut().unwrap().sequence = u64::from(*value);
            test_jobs::job(test_jobs::check(request))
        };
        values.iter().map(one).unzip()
    }

    fn answered(answer: &mut Answer) -> Result<v1::ProcessResponse, Failure> {
        let answer = answer.try_recv().expect("an answer");
        answer.map(|bytes| v1::ProcessResponse::decode(bytes).unwrap())
    }

    #[track_caller]
    fn assert_inverted(response: v1::ProcessResponse, value: u8) {
        let frame = response.frame.unwrap();
        assert_eq!(frame.sequence, u64::from(value));
        let Some(v1::frame::Payload::Raw(raw)) = frame.payload else { panic!("no pixels") };
        assert_eq!(raw.data, vec![255 - value; 64]);
        assert_eq!(response.steps[0].backend(), v1::Accelerator::Cuda);
        let timing = response.timing.unwrap();
        assert!(timing.queue_ns > 0 && timing.compute_ns > 0, "{timing:?}");
    }

    #[test]
    fn jobs_taken_together_are_one_batch_and_have_answers_of_their_own() {
        let gpu = FakeGpu::default();
        let (mut jobs, mut answers) = jobs(&[1, 2, 3]);
        worker(&gpu).work(&mut jobs).unwrap();
        assert_eq!(gpu.batches(), [3]);
        assert!(jobs.is_empty());
        for (answer, value) in answers.iter_mut().zip(1..) {
            assert_inverted(answered(answer).unwrap(), value);
        }
    }

    #[test]
    fn an_image_that_cannot_be_done_fails_only_its_own_request() {
        let gpu = FakeGpu::default();
        let (mut jobs, mut answers) = jobs(&[1, ERROR, 3]);
        worker(&gpu).work(&mut jobs).unwrap();
        assert_eq!(gpu.batches(), [3, 1, 1, 1]);
        assert_inverted(answered(&mut answers[0]).unwrap(), 1);
        assert_eq!(answered(&mut answers[1]).unwrap_err().kind, ErrorKind::Internal);
        assert_inverted(answered(&mut answers[2]).unwrap(), 3);
    }

    #[test]
    fn a_lost_device_is_said_to_all_and_tried_no_more() {
        let gpu = FakeGpu::default();
        let (mut jobs, mut answers) = jobs(&[1, LOST, 3]);
        let lost = worker(&gpu).work(&mut jobs).unwrap_err();
        assert_eq!((lost.kind, gpu.batches()), (ErrorKind::DeviceLost, vec![3]));
        for answer in &mut answers {
            assert_eq!(answered(answer).unwrap_err().kind, ErrorKind::DeviceLost);
        }
    }

    #[test]
    fn jobs_that_are_late_wrong_or_given_up_are_not_computed() {
        let gpu = FakeGpu::default();
        let (mut jobs, mut answers) = jobs(&[1, 2, 3, 4, 5]);
        jobs[0].deadline = Deadline::from_unix_ms(1);
        drop(answers.remove(1));
        let parameters = [("width".to_owned(), "9999".to_owned())].into();
        let filter = v1::FilterStep { id: "crop".into(), parameters };
        let mut request = test_jobs::file_request("invert");
        request.pipeline.as_mut().unwrap().steps[0].kind = Some(v1::step::Kind::Filter(filter));
        jobs[3].plan = test_jobs::check(request);
        worker(&gpu).work(&mut jobs).unwrap();
        assert_eq!(gpu.batches(), [2]);
        let kinds: Vec<_> =
            answers.iter_mut().map(|answer| answered(answer).map_err(|f| f.kind).err()).collect();
        let (late, wrong) = (Some(ErrorKind::DeadlineExceeded), Some(ErrorKind::InvalidArgument));
        assert_eq!(kinds, [late, None, wrong, None]);
    }

    #[test]
    fn like_goes_with_like() {
        let job = |request| test_jobs::job(test_jobs::check(request)).0;
        let request = |filter| test_jobs::request(filter, 1);
        let together = |other: &Job| FilterWorker::together(&job(request("blur")), other);
        assert!(together(&job(test_jobs::request("blur", 2))));
        assert!(!together(&job(request("invert"))));
        let mut wider = request("blur");
        let Some(v1::frame::Payload::Raw(raw)) = &mut wider.frame.as_mut().unwrap().payload else {
            panic!("no pixels");
        };
        (raw.width, raw.height) = (16, 4);
        assert!(!together(&job(wider)));
        let file = || test_jobs::job(test_jobs::file_plan("blur")).0;
        assert!(!together(&file()));
        assert!(!FilterWorker::together(&file(), &file()));
    }

    #[test]
    fn what_files_take_is_recorded() {
        let costs = Arc::new(Costs::default());
        let (job, mut answer) = test_jobs::job(test_jobs::file_plan("invert"));
        let pixels = job.plan.payload.shape().bytes();
        let mut worker = worker_recording(&FakeGpu::default(), Arc::clone(&costs));
        worker.work(&mut vec![job]).unwrap();
        answered(&mut answer).unwrap();
        for work in [FileWork::Decode, FileWork::Encode] {
            assert!(costs.file(Codec::Png, work, pixels) > Duration::ZERO, "{work:?}");
        }
    }

    #[tokio::test]
    async fn a_panic_in_a_batch_fails_only_its_own_request() {
        let gpu = FakeGpu::default();
        let queue = DeviceQueue::new(9, 999);
        let (jobs, mut answers) = jobs(&[1, 2, PANIC, 4]);
        for job in jobs {
            queue.submit(job, 1).unwrap();
        }
        let made = gpu.clone();
        let make: MakeWorker<FilterWorker> = Arc::new(move || Ok(worker(&made)));
        let (child, _) = ChildSpec::actor("cuda-worker", move |child| {
            DeviceActor::new("cuda-worker", queue.clone(), Arc::clone(&make), child)
        });
        let spec = SupervisorSpec::new("test")
            .backoff(Duration::from_millis(1), Duration::from_millis(1))
            .child(child.restart(Restart::UnlessLost));
        let run = async {
            let supervisor = Supervisor::start(spec, &ActorTree::new());
            let mut kinds = Vec::new();
            for answer in &mut answers {
                let answer = patiently("an answer", answer).await.unwrap();
                kinds.push(answer.is_ok_and(|result| result.is_ok()));
            }
            assert_eq!(kinds, [true, true, false, true]);
            supervisor.shutdown(PATIENCE).await;
        };
        LocalSet::new().run_until(run).await;
        assert_eq!(gpu.batches(), [4, 1, 1, 1, 1]);
    }
}
