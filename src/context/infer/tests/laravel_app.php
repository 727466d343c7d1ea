<?php
namespace App;

use Illuminate\Database\Eloquent\Builder;
use Illuminate\Database\Eloquent\Casts\Attribute;
use Illuminate\Database\Eloquent\Collection;
use Illuminate\Database\Eloquent\Model;
use Illuminate\Support\Facades\Facade;

class User extends Model {
    protected $fillable = ['name', 'email'];
    protected $casts = ['role' => Role::class, 'options' => 'collection', 'seen_at' => 'datetime'];
    public function posts() { return $this->hasMany(Post::class); }
    public function scopeActive($query, $since = null) { return $query->where('active', true); }
    #[Scope]
    protected function popular(Builder $query) {}
    public function getHomeAddressAttribute(): Address {}
    protected function workAddress(): Attribute { return Attribute::make(get: fn () => new Address); }
}
class Post extends Model {
    protected function casts(): array { return ['state' => State::class, 'published_at' => 'immutable_datetime']; }
    public function author() { return $this->belongsTo(User::class, 'author_id')->withDefault(); }
    public function comments(): \Illuminate\Database\Eloquent\Relations\HasMany { return $this->hasMany(Comment::class); }
    public function newEloquentBuilder($query): PostBuilder { return new PostBuilder($query); }
    public function newCollection(array $models = []): PostCollection { return new PostCollection($models); }
}
class Comment extends Model {
    public function commentable() { return $this->morphTo(); }
    public function post() { return $this->belongsTo(Post::class); }
}
class PostBuilder extends Builder { public function published(): static { return $this; } }
class PostCollection extends Collection { public function titles(): array {} }
class Address { public function city(): City {} }
class City {}
enum Role { case Admin; }
enum State { case Draft; public function label(): Label {} }
class Label {}
class Billing { public function invoice(): Invoice {} }
class Invoice {}
class Bill extends Facade { protected static function getFacadeAccessor() { return Billing::class; } }
class BoundBill extends Facade { protected static function getFacadeAccessor() { return 'billing'; } }
class Provider extends \Illuminate\Support\ServiceProvider {
    public function register() { $this->app->singleton('billing', fn ($app) => new Billing($app)); }
    public function boot() {
        \Illuminate\Support\Collection::macro('total', function ($of) {
            return $this->sum($of);
        });
    }
}
