"""``POST /v1/teachers:preview``: looks at a teacher before any experiment has it."""

from fastapi import APIRouter

from service import schemas
from service.http import body, examples, openapi
from service.intake.teacher_preview import preview_teacher

router = APIRouter(tags=["experiments"])


@router.post(
    "/v1/teachers:preview",
    response_model=schemas.TeacherPreview,
    responses={
        200: openapi.answer("The teacher's numbers.", examples.TEACHER_PREVIEW),
        **openapi.problems(400, 413, 415),
    },
    openapi_extra=openapi.body(schemas.TeacherQuestion, examples.TEACHER_QUESTION),
)
def preview(content: body.JsonBody) -> schemas.TeacherPreview:
    """Compute the response, poles and Hankel singular values of a teacher.

    Nothing is stored. A teacher that is not linear, or very large, has a `note` in their place.
    """
    question = body.parse(content, schemas.TeacherQuestion)
    return preview_teacher(question.teacher, question.horizon)
