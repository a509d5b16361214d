/** Plays a Playhouse session in any page. */

export { Player } from "./player";
export type { PlayerEvents, PlayerOptions, Quality, State } from "./player";
export { WhepError, problem } from "./whep";
export { STEPS, spread } from "./timeline";
export type { Frame, Spread, Step } from "./timeline";
export type { Numbers } from "./stats";
export type { OverlayLabels } from "./overlay";
export type { VideoSink } from "./sink";
export type { Input, Notice, PadState } from "./protocol";
