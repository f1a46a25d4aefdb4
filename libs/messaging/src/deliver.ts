import type { BaseRpcContext, Server } from '@nestjs/microservices';
import { isObservable, lastValueFrom } from 'rxjs';
import type { Delivery } from './bus-record.js';

/**
 * Calls the `@EventPattern` handler of the record's topic and waits for it. Nest's own filter hides an error's cause
 * (it arrives as `{status, message}`), so what must be known of it is told by `Consumer` before it throws.
 */
export async function deliver(server: Server, delivery: Delivery, context: BaseRpcContext): Promise<void> {
  const handler = server.getHandlerByPattern(delivery.topic);
  if (!handler) throw new Error(`nobody handles ${delivery.topic}`);
  const result: unknown = await handler(delivery, context);
  if (isObservable(result)) await lastValueFrom(result, { defaultValue: undefined });
}
