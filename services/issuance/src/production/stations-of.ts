import type { VirtualCardStore } from '#libs/virtual-card';
import { RemoteStation, type RemoteStationSettings } from './remote-station.js';
import { Stations, VirtualStation } from './station.js';

/** Two virtual ones, so that what stations do to each other can be tried without any. */
const VIRTUAL = ['virtual', 'virtual-2'];

/** The agents of the settings; without any, the virtual cards. */
export function stationsOf(settings: readonly RemoteStationSettings[], cards: VirtualCardStore): Stations {
  if (settings.length > 0) return new Stations(settings.map((one) => new RemoteStation(one)));
  return new Stations(VIRTUAL.map((name) => new VirtualStation(name, cards)));
}
