import { Controller, Get, Query } from '@nestjs/common';
import { Endpoint } from '#libs/doors';
import { noticeList, noticeQuery, type NoticeQuery } from './notice.schema.js';
import { NoticesService } from './notices.service.js';

@Controller('api/v1/notices')
export class NoticesController {
  constructor(private readonly notices: NoticesService) {}

  @Get()
  @Endpoint({
    allow: ['ca-operator', 'auditor'],
    summary: 'Notices to subscribers and what became of them, newest first',
    query: noticeQuery,
    returns: noticeList,
  })
  list(@Query() query: NoticeQuery) {
    return this.notices.list(query);
  }
}
