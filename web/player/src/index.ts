/** Plays a Playhouse session, or a film, in any page. */

export { Player } from "./player";
export type { PlayerEvents, PlayerOptions, Quality, State } from "./player";
export { WhepError, problem } from "./whep";
export { LiveConnection } from "./live";
export type { LiveEvents } from "./live";
export type { WhepOptions } from "./whep";
export { STEPS, spread } from "./timeline";
export type { Frame, Spread, Step } from "./timeline";
export type { Numbers } from "./stats";
export type { OverlayLabels } from "./overlay";
export type { VideoSink } from "./sink";
export type { Input, Notice, PadState } from "./protocol";
export { FilmPlayer } from "./film/player";
export { preloadFilms } from "./film/choose";
export { keepStep, stepOf } from "./film/step";
export type { Step as Pace } from "./film/step";
export type { FilmEvents, FilmOptions, FilmState } from "./film/player";
export { FilmError } from "./film/source";
export type { AudioTrack, FilmErrorKind, Rendition, TextChoice } from "./film/source";
export { type Sprite, loadSprites, spriteAt } from "./film/sprites";
export type { FilmNumbers } from "./film/meter";
export type { Span } from "./film/spans";
export { Party, SIGNS } from "./party/party";
export type { PartyEvents, PartyLine, PartyMember, Sign } from "./party/party";
export type { Timeline } from "./party/timeline";
