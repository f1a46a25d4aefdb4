import { Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import type { Request } from 'express';
import { CaError } from '#libs/errors';
import { endpointOf, type Role } from './endpoint.js';
import { Tokens } from './tokens.js';

/** Who is calling, once a door let them in. */
export interface Caller {
  subject: string;
  roles: Role[];
}

declare module 'express-serve-static-core' {
  interface Request {
    caller?: Caller;
  }
}

/** Stands at every HTTP endpoint. One without an `@Endpoint` declaration is closed. */
@Injectable()
export class DoorGuard implements CanActivate {
  constructor(private readonly tokens: Tokens) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    if (context.getType() !== 'http') return true;
    const allow = endpointOf(context.getHandler())?.allow ?? [];
    if (allow === 'anyone') return true;
    const request = context.switchToHttp().getRequest<Request>();
    const caller = await this.tokens.verify(request.headers.authorization);
    if (!allow.some((role) => caller.roles.includes(role))) {
      throw new CaError('forbidden', `needs one of the roles: ${allow.join(', ') || '(none)'}`);
    }
    request.caller = caller;
    return true;
  }
}
