/** The sensors of the house, as far as the pages have asked for them. */

import { api, problem, request } from "../api";
import type { Draft } from "./draft";
import { ALL, type Filter } from "./fleet";
import { midnight } from "./history";
import type { By, Counts, Desired, FleetMap, Happening, Heat, Sensor, Settings, Ticket } from "./types";

/** The address of a sensor in the API. */
export const path = (id: string): string => `/api/sensors/${encodeURIComponent(id)}`;

/** Today begins at the midnight of whoever looks. */
const today = () => ({ since: midnight(Date.now()) });
/** Minutes by which this place is ahead of UTC, so that days begin at its midnight. */
const offset = () => -new Date().getTimezoneOffset();

const query = (values: Record<string, string | number | undefined>) =>
  new URLSearchParams(Object.entries(values).flatMap(([name, value]) => (value === undefined || value === "" ? [] : [[name, String(value)]]))).toString();

/** A filter as the API has it. */
const asked = ({ words, group, tag, state }: Filter) => ({ text: words.trim(), group, tag, state });

class Sensors {
  /** The first of them. */
  first = $state.raw<Sensor[] | undefined>();
  /** The fleet, as far as it was asked for. */
  map = $state.raw<FleetMap | undefined>();
  /** Those of which more is known, by their ids: the rows in view, and who was asked for by name. */
  known = $state.raw<ReadonlyMap<string, Sensor>>(new Map());
  #asked = 0;

  async loadFirst(limit: number): Promise<void> {
    this.first = await this.#page({ limit });
  }

  /** Those that a filter asks for; of several answers the one to the newest question counts. */
  async loadMap(filter: Filter = ALL): Promise<void> {
    this.#asked += 1;
    const turn = this.#asked;
    const map = await api<FleetMap>("GET", `/api/sensors/map?${query(asked(filter))}`);
    if (turn === this.#asked) this.map = map;
  }

  /** So many rows of the map, after the sensor with this id. */
  async loadRows(filter: Filter, after: string | undefined, limit: number): Promise<void> {
    const rows = await this.#page({ ...asked(filter), after, limit });
    this.known = new Map(rows.map((sensor) => [sensor.id, sensor]));
  }

  async #page(which: Record<string, string | number | undefined>): Promise<Sensor[]> {
    return (await api<{ sensors: Sensor[] }>("GET", `/api/sensors?${query({ ...today(), ...which })}`)).sensors;
  }

  /** A sensor as it is now. */
  async one(id: string): Promise<Sensor> {
    return this.#take(await api<Sensor>("GET", `${path(id)}?${query(today())}`));
  }

  /** Makes a place for a sensor, and a code that lets a device take it. */
  async add(name: string): Promise<{ sensor: Sensor; ticket: Ticket }> {
    const { sensor, ...ticket } = await api<Ticket & { sensor: Sensor }>("POST", "/api/sensors", { name });
    return { sensor, ticket };
  }

  /** A new code for a device that is to take an old one's place. */
  code(id: string): Promise<Ticket> {
    return api("POST", `${path(id)}/code`);
  }

  /** Changes what people call it; an empty group takes it out of its own. */
  async change(id: string, what: { name?: string; tags?: string[]; group?: string }): Promise<Sensor> {
    await api("PATCH", path(id), what);
    return this.one(id);
  }

  async revoke(id: string): Promise<Sensor> {
    await api("POST", `${path(id)}/revoke`);
    return this.one(id);
  }

  async remove(id: string): Promise<void> {
    await api("DELETE", path(id));
    if (this.map) this.map = { ...this.map, sensors: this.map.sensors.filter((each) => each.id !== id) };
  }

  /** Changes what a sensor is told to do, if nobody else has changed it since. */
  async tell(id: string, version: number, patch: Partial<Draft & Pick<Settings, "apps">>): Promise<Desired> {
    const headers = { accept: "application/json", "content-type": "application/merge-patch+json", "if-match": String(version) };
    const answer = await request(`${path(id)}/desired`, { method: "PATCH", headers, body: JSON.stringify(patch) });
    if (!answer.ok) throw await problem(answer);
    return (await answer.json()) as Desired;
  }

  happenings(id: string, what: { kind?: string; limit: number; before?: string | undefined }): Promise<{ events: Happening[]; next?: string | null }> {
    return api("GET", `${path(id)}/events?${query({ from: 0, ...what })}`);
  }

  counts(id: string, from: number, to: number, by: By): Promise<Counts> {
    return api("GET", `${path(id)}/counts?${query({ from, to, by, offset: offset() })}`);
  }

  heat(id: string, from: number, to: number): Promise<Heat> {
    return api("GET", `${path(id)}/heat?${query({ from, to })}`);
  }

  /** Where everything that was seen in a time is, as a table. */
  table(id: string, from: number, to: number): string {
    return `${path(id)}/export.csv?${query({ from, to })}`;
  }

  #take(sensor: Sensor): Sensor {
    this.known = new Map(this.known).set(sensor.id, sensor);
    return sensor;
  }
}

export const sensors = new Sensors();
