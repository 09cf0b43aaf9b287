"""Ads: `/api/ads/`."""

from typing import Any

from flask import Response, jsonify

from broker.api.auth.tokens import accepts_token, caller, principal, requires_token
from broker.api.problems.answers import answers
from broker.api.request import page_cursors as cursors
from broker.api.request.context import current
from broker.api.request.owners import names_ad
from broker.api.request.parsing import Blueprint
from broker.api.request.view_marks import public_read
from broker.api.routes import shapes
from broker.api.routes.idempotency import Created, idempotent
from broker.api.routes.tables import requires_ads_table
from broker.api.routes.unfinished import unfinished
from broker.domain.principal import ANYONE
from broker.domain.profiles import Profile
from broker.services.marketplace import ads as service
from broker.services.marketplace.ad_views import AdView
from broker.services.marketplace.put_ad import put_ad as put
from schemas import ads as schemas
from schemas import uploads
from schemas.fields import the

blueprint = Blueprint(
    "ads",
    __name__,
    url_prefix="/api/ads",
    description="Ads: text, price and images.",
)
AD_PATH = "/<id:ad_id>/"


@blueprint.route("/", methods=["POST"], strict_slashes=False)
@requires_ads_table
@answers("forbidden")
@requires_token
@idempotent(blueprint)
@blueprint.arguments(schemas.NewAd)
@blueprint.response(201, schemas.Ad)
def create_ad(fields: dict[str, Any]) -> Response:
    """Create an ad of your own."""
    created = Created(_shape)
    with current().work(principal()) as work:
        view = service.create_ad(work, fields, answer=created.answer)
    return created.response(view)


@blueprint.route("/", methods=["GET"], strict_slashes=False)
@requires_ads_table
@public_read
@accepts_token
@blueprint.arguments(schemas.AdQuery, location="query")
@blueprint.response(200, schemas.AdPage)
def list_ads(query: dict[str, Any]) -> Response:
    """List ads, newest first."""
    limit, before_id = query.pop("limit"), cursors.decode(query.pop("cursor", None))
    with current().work(caller() or ANYONE) as work:
        views = service.list_ads(work, before_id=before_id, limit=limit, **query)
    page = views[:limit]
    more = len(views) > limit
    return jsonify(
        {
            "results": [shapes.ad(view, caller()) for view in page],
            "next_cursor": cursors.encode(page[-1].ad.id) if more else None,
        }
    )


@blueprint.route(AD_PATH, methods=["GET"], strict_slashes=False)
@requires_ads_table
@answers("not_found")
@public_read
@accepts_token
@blueprint.response(200, schemas.Ad)
def get_ad(ad_id: int) -> Response:
    """Read an ad."""
    with current().work(caller() or ANYONE) as work:
        view = service.get_ad(work, ad_id)
    return jsonify(shapes.ad(view, caller()))


@blueprint.route(AD_PATH, methods=["PUT"], strict_slashes=False)
@requires_ads_table
@answers("not_found", "forbidden", "ad_owned_by_another", "user_erased")
@requires_token
@blueprint.arguments(schemas.WholeAd)
@blueprint.alt_response(201, schema=the(schemas.Ad))
@blueprint.response(200, schemas.Ad)
def put_ad(fields: dict[str, Any], ad_id: int) -> tuple[Response, int]:
    """Create or replace the ad with this id, for services.

    201: the ad was created. 200: it was replaced; its images stay. The id may be one that no ad
    has had, or that of a deleted ad. Ads that are created by POST never get an id that was used.
    """
    with current().work(principal()) as work:
        view, created = put(work, ad_id, fields)
    return _written(view), 201 if created else 200


@blueprint.route(AD_PATH, methods=["PATCH"], strict_slashes=False)
@requires_ads_table
@answers("not_found", "forbidden")
@requires_token
@blueprint.arguments(schemas.AdChanges)
@blueprint.response(200, schemas.Ad)
def edit_ad(changes: dict[str, Any], ad_id: int) -> Response:
    """Edit your ad, or as a service any ad."""
    with current().work(principal()) as work:
        view = service.edit_ad(work, ad_id, changes)
    return _written(view)


@blueprint.route(AD_PATH, methods=["DELETE"], strict_slashes=False)
@requires_ads_table
@answers("not_found", "forbidden")
@requires_token
@blueprint.response(204)
def delete_ad(ad_id: int) -> None:
    """Delete your ad, or as a service any ad, and its images."""
    with current().work(principal()) as work:
        service.delete_ad(work, ad_id)


@blueprint.route(AD_PATH + "mark_sold/", methods=["POST"], strict_slashes=False)
@requires_ads_table
@answers("not_found", "forbidden")
@requires_token
@blueprint.response(200, schemas.Ad)
def mark_sold(ad_id: int) -> Response:
    """Mark your ad as sold, or as a service any ad."""
    with current().work(principal()) as work:
        view = service.mark_sold(work, ad_id)
    return _written(view)


@blueprint.route(AD_PATH + "uploads/", methods=["GET"], strict_slashes=False)
@answers("not_found", "forbidden")
@requires_token
@names_ad
@blueprint.arguments(uploads.UploadPageQuery, location="query")
@blueprint.response(200, uploads.UploadPage)
def list_ad_uploads(
    query: dict[str, Any], profile: Profile, owner: str
) -> tuple[dict[str, Any], dict[str, str]]:
    """List the ad's pending, processing and rejected uploads, newest first."""
    return unfinished(profile, owner, query)


def _written(view: AdView) -> Response:
    return jsonify(_shape(view))


def _shape(view: AdView) -> dict[str, Any]:
    return shapes.ad(view, principal())
