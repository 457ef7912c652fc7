//! The metrics of the filter service.

ocelli_actors::metrics_table! {
    FrameSeconds = "ocelli_frame_processing_seconds", Histogram, ["accelerator", "filter"],
        "Compute time of one filter on one frame.";
    StageSeconds = "ocelli_frame_stage_seconds", Histogram, ["stage"],
        "Time a frame spent in a stage: queue, decode, encode.";
    DeviceChoices = "ocelli_device_choices_total", Counter, ["accelerator", "by"],
        "Requests given to a device, by the reason for the choice; only with a GPU.";
    GpuBatches = "ocelli_gpu_batches_total", Counter, [],
        "Batches that a GPU has run, of one frame or more.";
    GpuBatchFrames = "ocelli_gpu_batch_frames_total", Counter, [],
        "Frames in the batches that a GPU has run.";
    Quarantined = "ocelli_quarantines_total", Counter, ["scope"],
        "Kinds of requests refused because they made workers panic, to one caller or to all.";
    RefusedByCost = "ocelli_requests_refused_by_cost_total", Counter, [],
        "Requests refused because the work would take far longer than their deadline allows.";
}
