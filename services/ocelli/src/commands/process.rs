//! `ocelli process`: sends images through filters.

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
};

use anyhow::{Context as _, bail};
use bytes::Bytes;
use futures::{StreamExt as _, stream};
use indicatif::{ProgressBar, ProgressStyle};
use ocelli_messages::{ErrorKind, Failure, Named as _, sniff_codec, v1};
use tokio::{fs::File, io::AsyncReadExt as _};

use crate::{
    cli::Process,
    client::{self, Client, codec_named, codec_of, frame},
    npy,
};

/// An image to process.
struct Task {
    input: PathBuf,
    /// The file for the result, or the folder in which the result gets the name of the input.
    output: Output,
}

enum Output {
    File(PathBuf),
    Folder(PathBuf),
}

/// Runs `ocelli process`.
pub(crate) fn process(process: Process) -> anyhow::Result<ExitCode> {
    let format = process.format.as_deref().map(codec_named).transpose();
    let format = format.map_err(|failure| failure.at("--format"))?;
    let tasks = tasks(&process)?;
    let codec = match (format, tasks.as_slice()) {
        (Some(codec), _) => codec,
        (None, [Task { output: Output::File(path), .. }]) => codec_of(path)
            .map_err(|failure| failure.at("--output"))?
            .unwrap_or(v1::ImageCodec::Unspecified),
        (None, _) => v1::ImageCodec::Unspecified,
    };
    let pipeline = client::pipeline(&process.filters, codec, process.quality, process.accelerator)?;
    let many = tasks.len() > 1;
    let bar = if many { progress(tasks.len()) } else { ProgressBar::hidden() };
    let mut failed =
        client::block_on(async {
            let client = Client::connect(&process.target).await?;
            let pipeline = Arc::new(pipeline);
            let mut results =
                stream::iter(tasks.into_iter().map(|task| {
                    let (client, pipeline) = (client.clone(), Arc::clone(&pipeline));
                    async move {
                        one(&client, &pipeline, &task).await.map_err(|error| (task.input, error))
                    }
                }))
                .buffer_unordered(process.concurrency.into());
            let mut failed = Vec::new();
            while let Some(result) = results.next().await {
                bar.inc(1);
                match result {
                    Ok(line) => bar.suspend(|| say!("{line}")),
                    Err(error) => failed.push(error),
                }
            }
            Ok(failed)
        })?;
    bar.finish_and_clear();
    match failed.pop() {
        Some((_, error)) if !many => Err(error),
        last => Ok(summary(failed.into_iter().chain(last))),
    }
}

fn summary(failed: impl Iterator<Item = (PathBuf, anyhow::Error)>) -> ExitCode {
    let mut code = ExitCode::SUCCESS;
    for (input, error) in failed {
        eprint!("{}: ", input.display());
        code = crate::exit::report(&error);
    }
    code
}

fn progress(images: usize) -> ProgressBar {
    let bar = ProgressBar::new(images as u64);
    let style = ProgressStyle::with_template("{bar:32} {pos}/{len} images, {per_sec}, {eta} left");
    bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}

/// Sends one image, and returns a line that describes the result.
async fn one(client: &Client, pipeline: &v1::Pipeline, task: &Task) -> anyhow::Result<String> {
    let file = read(&task.input, client.max_bytes()).await?;
    let request = v1::ProcessRequest { frame: Some(frame(file)), pipeline: Some(pipeline.clone()) };
    let response = client.process(&request).await?;
    let (data, extension) = match response.frame.and_then(|frame| frame.payload) {
        Some(v1::frame::Payload::Encoded(image)) => {
            let codec = sniff_codec(&image.data).unwrap_or(v1::ImageCodec::Png);
            let extension = if codec == v1::ImageCodec::Jpeg { "jpg" } else { codec.name() };
            (image.data, extension)
        }
        Some(v1::frame::Payload::Tensor(tensor)) => (npy::file(&tensor)?, "npy"),
        _ => bail!("the answer contains neither an image file nor a tensor"),
    };
    let path = match &task.output {
        Output::File(path) => path.clone(),
        Output::Folder(folder) => {
            let name = task.input.file_stem().unwrap_or_default();
            folder.join(name).with_extension(extension)
        }
    };
    if extension != "npy" && path.extension().is_some_and(|named| named == "npy") {
        bail!("the answer is an image, not a tensor: {} must end in .{extension}", path.display());
    }
    tokio::fs::write(&path, &data).await.with_context(|| path.display().to_string())?;
    let timing = response.timing.unwrap_or_default();
    #[allow(clippy::cast_precision_loss, reason = "shown with one digit")]
    let ms = |ns: u64| ns as f64 / 1e6;
    Ok(format!(
        "{} → {}  (decode {:.1} ms, compute {:.1} ms, encode {:.1} ms)",
        task.input.display(),
        path.display(),
        ms(timing.decode_ns),
        ms(timing.compute_ns),
        ms(timing.encode_ns),
    ))
}

/// Reads a file that has at most `max` bytes. One that has more is not read, or, where its size is
/// not known before, not to its end.
async fn read(path: &Path, max: usize) -> anyhow::Result<Bytes> {
    let shown = || path.display().to_string();
    let file = File::open(path).await.with_context(shown)?;
    let known = file.metadata().await.with_context(shown)?.len();
    let too_large = |size: String| {
        let message = format!("{} has {size}; the broker accepts at most {max}", path.display());
        Err(Failure::new(ErrorKind::TooLarge, message).into())
    };
    let limit = max as u64;
    if known > limit {
        return too_large(format!("{known} bytes"));
    }
    let mut bytes = Vec::with_capacity(usize::try_from(known).unwrap_or_default());
    file.take(limit.saturating_add(1)).read_to_end(&mut bytes).await.with_context(shown)?;
    if bytes.len() > max { too_large(format!("more than {max} bytes")) } else { Ok(bytes.into()) }
}

fn tasks(process: &Process) -> anyhow::Result<Vec<Task>> {
    let mut inputs = Vec::new();
    for input in &process.inputs {
        if input.is_dir() {
            inputs.extend(images_in(input)?);
        } else {
            inputs.push(input.clone());
        }
    }
    let output = &process.output;
    match inputs.as_slice() {
        [] => bail!("the given folders contain no PNG, JPEG or WebP file"),
        [one] if !output.is_dir() && !process.inputs.iter().any(|input| input.is_dir()) => {
            return Ok(vec![Task { input: one.clone(), output: Output::File(output.clone()) }]);
        }
        _ => {}
    }
    std::fs::create_dir_all(output).with_context(|| {
        format!("--output {} must be a folder for several images", output.display())
    })?;
    let folder = |input| Task { input, output: Output::Folder(output.clone()) };
    Ok(inputs.into_iter().map(folder).collect())
}

/// The image files of a folder, sorted by name, without those of subfolders.
pub(super) fn images_in(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let mut images = Vec::new();
    for entry in std::fs::read_dir(folder).with_context(|| folder.display().to_string())? {
        let path = entry?.path();
        if path.is_file() && codec_of(&path).is_ok_and(|codec| codec.is_some()) {
            images.push(path);
        }
    }
    images.sort();
    Ok(images)
}
