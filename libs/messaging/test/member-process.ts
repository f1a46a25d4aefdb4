import 'reflect-metadata';
import type { TestService } from '#libs/database';
import type { MessagingOptions } from '../src/index.js';
import { startMember } from './member.js';

/** A member of a consumer group, until it is killed. */
const { service, options } = JSON.parse(process.argv[2]!) as { service: TestService; options: MessagingOptions };
await startMember(service, options);
process.stdout.write('ready\n');
