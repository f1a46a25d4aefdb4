import { Controller } from '@nestjs/common';
import { Ctx, EventPattern, Payload, RpcContext } from '@nestjs/microservices';
import { TOPICS } from '#libs/events';
