// A stream (HLS) in a video element: by the browser itself where it can, else by hls.js.

const PLAYLIST = "application/vnd.apple.mpegurl";
/** After the picture was interrupted it is asked for again. */
const AGAIN_MS = 3000;
/** How far behind the newest picture one may fall while paused, in seconds. */
const BEHIND_S = 15;

/** Show the stream that the element names; `tell` is told whether there is a picture. */
export async function showStream(video, tell) {
  const address = video.dataset.hls;
  /** Whoever watched goes on watching: an element that is given its picture anew stands still. */
  let watching = false;
  const lose = () => {
    watching ||= !video.paused;
    tell(false);
  };
  const goOn = () => watching && video.play().catch(() => undefined);
  video.addEventListener("playing", () => tell(true));
  if (video.canPlayType(PLAYLIST)) {
    video.addEventListener("error", () => {
      lose();
      setTimeout(() => (video.src = address), AGAIN_MS);
    });
    video.addEventListener("loadedmetadata", goOn);
    video.src = address;
    return;
  }
  const { default: Hls } = await import("./hls.light.min.js");
  if (!Hls.isSupported()) {
    tell(false);
    return;
  }
  // A worker would be a script from a blob, which our pages do not allow.
  const hls = new Hls({ enableWorker: false });
  hls.on(Hls.Events.ERROR, (_, problem) => {
    if (!problem.fatal) return;
    lose();
    if (problem.type === Hls.ErrorTypes.MEDIA_ERROR) hls.recoverMediaError();
    else setTimeout(() => hls.loadSource(address), AGAIN_MS);
  });
  hls.on(Hls.Events.MANIFEST_PARSED, goOn);
  hls.loadSource(address);
  hls.attachMedia(video);
}

/** Go to the newest picture, unless it is near. */
export function catchUp(video) {
  const { seekable } = video;
  if (!seekable.length) return;
  const newest = seekable.end(seekable.length - 1);
  if (newest - video.currentTime > BEHIND_S) video.currentTime = newest;
}
