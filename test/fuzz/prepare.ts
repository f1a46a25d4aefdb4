import { storyCards } from '../demo/cards.js';
import type { Instance } from '../demo/instance.js';
import { play } from '../demo/run.js';
import { story } from '../demo/story.js';
import { storyDays, World } from '../demo/world.js';
import { systemClock } from '#libs/clock';

/** The demo's story, so that there is something to hit. @throws Error when it does not go as expected */
export async function prepare(instance: Instance): Promise<void> {
  const cards = storyCards();
  const lines = await play(
    instance,
    story(new World(instance, cards), cards, storyDays(systemClock().now())),
    () => {},
  );
  const wrong = lines.filter((line) => !line.ok);
  if (wrong.length > 0) throw new Error(`the story before the fuzzing failed: ${JSON.stringify(wrong[0])}`);
}
