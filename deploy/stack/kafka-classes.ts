import { copyFileSync, existsSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { javaVersion } from './kafka-jars.js';
import type { PartProcess } from './part-process.js';

/**
 * Class data sharing (JEP 350): the first broker on a machine that is stopped cleanly leaves its loaded classes beside the
 * jars, and every later one starts with half the work. An archive that does not fit is ignored by Java.
 */
export function sharedClasses(dir: string, jars: string): { options: string[]; keep(broker: PartProcess): void } {
  const archive = join(jars, `broker-java-${javaVersion()}.jsa`);
  if (existsSync(archive)) return { options: [`-XX:SharedArchiveFile=${archive}`], keep: () => {} };
  const own = join(dir, 'classes.jsa');
  rmSync(own, { force: true });
  return { options: ['-XX:ArchiveClassesAtExit=classes.jsa'], keep: (broker) => void broker.ended.then(() => move()) };

  function move(): void {
    const fresh = `${archive}.${process.pid}.new`;
    try {
      if (!existsSync(own)) return; // killed
      copyFileSync(own, fresh); // the cache may be on another disk
      renameSync(fresh, archive);
    } catch {
      rmSync(fresh, { force: true }); // no room, or a folder somebody removed: the next start is as slow as this one
    } finally {
      rmSync(own, { force: true });
    }
  }
}
