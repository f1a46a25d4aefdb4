import { type Door, letsIn } from '../../../src/console-doors.js';
import { useCaller } from './login/use-session.js';

/** Whether the person who has signed in may use a door. */
export function useMay(): (door: Door) => boolean {
  const { roles } = useCaller();
  return (door) => letsIn(door, roles);
}
